#!/usr/bin/env python3
"""manual.py PROGRAM [--check]: writes baton.1, baton.bash and _baton, beside this file, from what PROGRAM's --help says,
and baton.h.3 from the C header.

With --check it writes nothing, and exits 1 if one of them differs from what it would write: an option or a function was
added, or has changed, and the manual pages and the completions do not have it. `./dev manual` writes them again."""
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent
HEADER = FOLDER.parent / "include/baton/baton.h"
DEEP = 20  # an indent from here on continues the item above
EXAMPLES = """.SH EXAMPLES
A member on this machine, for a first look:
.PP
.RS
baton run --host 127.0.0.1 --name alder
.RE
.PP
A member that leaves on SIGTERM, in a mesh with a key; its state survives a stop of all members in a file:
.PP
.RS
baton run --key-file /etc/baton/mesh.key --spill-dir /var/lib/baton
.RE
.PP
The value of one key, from any member of that mesh:
.PP
.RS
baton get greeting --key-file /etc/baton/mesh.key
.RE
.SH SEE ALSO
The guide, limits and protocol are in the folder
.I doc/baton
of the installation.
"""
OF_TYPE = {"FILE": "_baton_offer -f", "DIR": "_baton_offer -d", "IF": "_baton_offer -W \"$(ls /sys/class/net)\""}
ZSH_TYPE = {"FILE": "_files", "DIR": "_files -/", "IF": "_net_interfaces", "HOST": "_hosts"}


def said(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL).stdout


def blocks(text):
    """(kind, …) for each part of a help text: ("heading", title), ("item", term, meaning) or ("text", [lines])."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        indent = len(line) - len(line.lstrip())
        item = re.match(r"  (\S.*?)(?:  +(\S.*))?$", line)
        if not line.strip():
            found.append(("break",))
        elif indent >= DEEP and found and found[-1][0] == "item":
            found[-1] = ("item", found[-1][1], f"{found[-1][2]} {line.strip()}".strip())
        elif indent == 0 and line.endswith(":"):
            found.append(("heading", line[:-1]))
        elif item and (item[2] or (following.startswith(" " * DEEP) and following.strip())):
            found.append(("item", item[1], item[2] or ""))
        elif found and found[-1][0] == "text":
            found[-1][1].append(line.strip())
        else:
            found.append(("text", [line.strip()]))
    return found


def options(text):
    """The options of a help text: ([names], argument or "", meaning)."""
    for kind, *rest in blocks(text):
        if kind == "item" and rest[0].startswith("-"):
            names, _, argument = rest[0].partition(" ")
            yield names.split(","), re.sub(r"=.*| \.\.\.$", "", argument), rest[1]


def subcommands(text):
    """(name, meaning) of each."""
    inside = False
    for kind, *rest in blocks(text):
        inside = rest[0] == "Subcommands" if kind == "heading" else inside
        if kind == "item" and inside:
            yield rest[0].split()[0], rest[1]


def roff(text):
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("…", "...")
    return "\\&" + escaped if escaped.startswith(".") else escaped


def roff_of(found):
    for kind, *rest in found:
        if kind == "heading":
            yield f".SS {roff(rest[0])}"
        elif kind == "item":
            yield f".TP\n.B {roff(rest[0])}\n{roff(rest[1])}"
        elif kind == "text":
            yield ".PP\n" + "\n".join(roff(line) for line in rest[0])


def manual(program, top, of_each):
    head, _, rest = top.partition("Usage:")
    usage, _, rest = rest.strip().partition("\n")
    version = re.search(r"\d[\w.]*", said(program, "--version"))[0]
    known = {tuple(names) for names, _, _ in options(top)}
    body, _, status = rest.partition("Exit status:")
    lines = [".\\\" Written by manual.py from --help; do not edit.", f".TH BATON 1 \"\" \"baton {version}\" \"User Commands\"",
             ".SH NAME", "baton \\- replicated map in memory that outlives its processes", ".SH SYNOPSIS",
             f".B {roff(usage)}", ".SH DESCRIPTION", roff(" ".join(head.split())), ".SH USAGE", *roff_of(blocks(body))]
    for name, text in of_each.items():
        own = [(names, argument, meaning) for names, argument, meaning in options(text) if tuple(names) not in known]
        if own:
            lines.append(f".SS Options of baton {roff(name)}")
            lines += [f".TP\n.B {roff(' '.join([', '.join(names), argument]).strip())}\n{roff(meaning)}"
                      for names, argument, meaning in own]
    lines += [".SH EXIT STATUS", roff(" ".join(status.split()))]
    return "\n".join(lines) + "\n" + EXAMPLES


def chunks(text):
    """("section", title), ("comment", [paragraphs]) or ("code", [lines]) for each part of a C header."""
    code, comment = [], None
    for line in text.splitlines():
        if comment is None and line.startswith("/*"):
            if code:
                yield "code", code
            code, comment = [], []
        if comment is None:
            code.append(line)
            continue
        comment.append(re.sub(r"^/?\*+/? ?|^ \*/?(?: |$)", "", line.rstrip().removesuffix("*/").rstrip()))
        if line.rstrip().endswith("*/"):
            title = re.match(r"-{8,} (.*)", comment[0])
            yield ("section", title[1]) if title else ("comment", comment)
            comment = None
    if code:
        yield "code", code


def header_manual(header, version):
    """The manual page of a C header: its comments, and its declarations as they stand there."""
    lines = [".\\\" Written by manual.py from baton.h; do not edit.",
             f".TH BATON.H 3 \"\" \"baton {version}\" \"Library Functions\"", ".SH NAME",
             "baton.h \\- replicated map in memory that outlives its processes, from C", ".SH SYNOPSIS", ".nf",
             "#include <baton/baton.h>", ".PP", "cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs baton)", ".fi",
             ".SH DESCRIPTION"]
    in_sections = False  # before them are the guards
    for kind, rest in chunks(re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", header, flags=re.DOTALL)):
        if kind == "section":
            in_sections = True
            lines.append(f".SH {roff(rest.upper())}")
        elif kind == "comment":
            example = False
            for line in (each.rstrip() for each in rest):
                if line.startswith("    ") != example:
                    example = not example
                    lines.append(".PP\n.RS\n.nf" if example else ".fi\n.RE")
                lines.append(roff(line.strip() if not example else line[4:]) if line else ".PP")
            if example:
                lines.append(".fi\n.RE")
        elif in_sections:
            shown = "\n".join(re.sub(r"^BATON_C_API ", "", line) for line in rest if not line.startswith("#")).strip("\n")
            if shown:
                lines += [".PP\n.RS\n.nf", *(roff(line) for line in shown.splitlines()), ".fi\n.RE\n.PP"]
    lines += [".SH SEE ALSO", ".BR baton (1);", "the API of C++, whose calls these are, is in the folder", ".I include/baton",
              "of the installation."]
    return "\n".join(lines) + "\n"


def bash(top, of_each):
    by_argument = {}
    for names, argument, _ in {str(option): option for text in (top, *of_each.values()) for option in options(text)}.values():
        if argument:
            by_argument.setdefault(OF_TYPE.get(argument, ":"), set()).update(names)
    cases = "\n".join(f"        {'|'.join(sorted(names))}) {action}; return ;;" for action, names in sorted(by_argument.items()))
    words = "\n".join(f"        {name}) words='{' '.join(name for names, _, _ in options(text) for name in names)}' ;;"
                      for name, text in of_each.items() if list(options(text)))
    commands = " ".join(name for name, _ in subcommands(top))
    all_words = " ".join(name for names, _, _ in options(top) for name in names)
    return f"""# bash completion of baton. Written by manual.py from --help; do not edit.
_baton_offer() {{ # OPTION… of compgen
    if [[ $1 != -W ]]; then compopt -o filenames 2>/dev/null; fi
    mapfile -t COMPREPLY < <(compgen "$@" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
_baton() {{
    local commands='{commands}' words word command=
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " $commands " in
        *" $word "*) command=$word && break ;;
        esac
    done
    COMPREPLY=()
    case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{cases}
    esac
    case $command in
{words}
        *) words="$commands {all_words}" ;;
    esac
    _baton_offer -W "$words"
}}
complete -F _baton baton
"""


def zsh_text(text):
    return text.replace("'", "’").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_arguments(text):
    for names, argument, meaning in options(text):
        action = ""
        if argument:
            kind = next((value for key, value in ZSH_TYPE.items() if re.match(rf"{key}\b", argument)), " ")
            action = f":{zsh_text(argument)}:{kind}"
        for name in names:
            yield f"        '{'*' if 'repeatable' in meaning else ''}{name}[{zsh_text(meaning)}]{action}'"


def zsh(top, of_each):
    commands = "\n".join(f"    '{name}:{zsh_text(meaning)}'" for name, meaning in subcommands(top))
    cases = "\n".join(f"    {name})\n        _arguments -S \\\n" + " \\\n".join(zsh_arguments(text)) + " \\\n            '*: :_default'\n        ;;"
                      for name, text in of_each.items() if list(options(text)))
    of_all = " \\\n".join(zsh_arguments(top))
    return f"""#compdef baton
# zsh completion of baton. Written by manual.py from --help; do not edit.
local -a commands
commands=(
{commands}
)
local word command=
for word in "${{(@)words[2,CURRENT-1]}}"; do
    if (( ${{commands[(I)${{word}}:*]}} )); then command=$word; break; fi
done
case $command in
{cases}
    *)
        _describe command commands
        _arguments -S \\
{of_all}
        ;;
esac
"""


def main():
    program, check = sys.argv[1], "--check" in sys.argv[2:]
    top = said(program, "--help")
    of_each = {name: said(program, name, "--help") for name, _ in subcommands(top)}
    made = {"baton.1": manual(program, top, of_each), "baton.bash": bash(top, of_each), "_baton": zsh(top, of_each),
            "baton.h.3": header_manual(HEADER.read_text(encoding="utf-8"), re.search(r"\d[\w.]*", said(program, "--version"))[0])}
    stale = [name for name, text in made.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    for name in stale:
        if check:
            print(f"node/packaging/{name} differs from what --help or baton.h says: run ./dev manual")
        else:
            (FOLDER / name).write_text(made[name], encoding="utf-8")
            print(f"wrote node/packaging/{name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
