# bash completion of baton. Written by manual.py from --help; do not edit.
_baton_offer() { # OPTION… of compgen
    if [[ $1 != -W ]]; then compopt -o filenames 2>/dev/null; fi
    mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}
_baton() {
    local commands='run get put members watch top check-config keygen' words word command=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case " $commands " in
        *" $word "*) command=$word && break ;;
        esac
    done
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --advertise|--alone-after|--beacon-port|--chunk-bytes|--cluster|--dns-server|--every|--group|--group-ipv6|--host|--http|--http-host|--iterations|--leave-within|--mesh-size|--name|--port|--publish-port|--ready-within|--redial-for|--seed|--within|-n) :; return ;;
        --exclude-interface|--interface) _baton_offer -W "$(ls /sys/class/net)"; return ;;
        --spill-dir) _baton_offer -d; return ;;
        --config|--http-token-file|--key-file) _baton_offer -f; return ;;
    esac
    case $command in
        run) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        get) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        put) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        members) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        watch) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        top) words='-h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within' ;;
        *) words="$commands -h --help --version --config --within --hex --leave-now --json --every -n --iterations --once -v --verbose --name --cluster --host --port --publish-port --seed --advertise --dns-server --no-peer-exchange --no-beacon --beacon-port --group --group-ipv6 --interface --wait-for-interface --exclude-interface --chunk-bytes --redial-for --leave-within --key-file --spill-dir --spill-dir-optional --keep-spills --accept-keyless-spills --alone-after --mesh-size --founding --no-input --http --http-host --http-token-file --ready-within" ;;
    esac
    _baton_offer -W "$words"
}
complete -F _baton baton
