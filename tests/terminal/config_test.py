#!/usr/bin/env python3
"""Options from a file and from the environment, and `baton check-config`, which judges them as a start does.

config_test.py PROGRAM ROOT [CASE…].
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cases
import options_table
from console import PATIENCE, Mesh


def baton(*words, text="", **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
    return subprocess.run([PROGRAM, *words], input=text, capture_output=True, text=True, timeout=PATIENCE,
                          env=clean | environment)


def started(*words, **environment):
    """The line that a node begins with, and its counters."""
    done = baton("run", *words, text="stats\n", **environment)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and lines[0]["event"] == "started", done
    return lines[0], next(line for line in lines if line.get("reply") == "stats")


class Folder(tempfile.TemporaryDirectory):
    def __enter__(self):
        return pathlib.Path(super().__enter__())


def every_option_has_a_variable():
    mesh = Mesh()
    options = options_table.options_of(PROGRAM)
    assert len(options) > 30
    for option in options:
        assert option.variable == "BATON_" + option.name[2:].upper().replace("-", "_"), option
    line, stats = started(BATON_NAME="by-variable", BATON_NO_BEACON="true", BATON_HOST="127.0.0.1", BATON_CLUSTER=mesh.cluster)
    assert line["name"] == "by-variable" and line["endpoint"].startswith("tcp://127.0.0.1:")
    assert stats["beacons_sent"] == 0
    # Lists have commas; the dials show that both seeds were taken.
    log = baton("run", "-v", text="", BATON_SEED="127.0.0.1:1,127.0.0.2:1", BATON_HOST="127.0.0.1", BATON_NO_BEACON="1").stderr
    assert "BATON" not in log


def the_command_line_wins_over_the_environment_and_that_over_the_file():
    with Folder() as folder:
        file = folder / "baton.toml"
        file.write_text('name = "file"\ncluster = "file"\nhost = "127.0.0.1"\nno-beacon = true\n')
        by_file, _ = started("--config", str(file))
        assert by_file["name"] == "file"
        by_variable, _ = started("--config", str(file), BATON_NAME="variable")
        assert by_variable["name"] == "variable"
        by_line, _ = started("--config", str(file), "--name", "line", BATON_NAME="variable")
        assert by_line["name"] == "line"
        named_by_variable, _ = started(BATON_CONFIG=str(file))
        assert named_by_variable["name"] == "file"
        assert baton("run", BATON_CONFIG=str(folder / "absent")).returncode == 2  # not silently without it
        empty, _ = started("--config", str(file), BATON_NAME="")  # as if it were not set
        assert empty["name"] == "file"
        switched_off, _ = started("--config", str(file), "--name", "x", BATON_FOUNDING="false")
        assert switched_off["name"] == "x"


def a_wrong_variable_is_named():
    done = baton("run", BATON_PORT="http", BATON_NO_BEACON="maybe", BATON_REDIAL_FOR="soon")
    assert done.returncode == 2 and done.stdout == ""
    assert "BATON_PORT: 'http' is not a whole number" in done.stderr
    assert "BATON_NO_BEACON: 'maybe' is neither true nor false" in done.stderr
    assert "BATON_REDIAL_FOR: 'soon' is not a duration" in done.stderr


def what_kubernetes_sets_beside_a_service_called_baton_is_ignored():
    mesh = Mesh()
    line, _ = started("--cluster", mesh.cluster, "--host", "127.0.0.1", "--no-beacon", BATON_PORT="tcp://10.0.0.7:5670",
                      BATON_PUBLISH_PORT="tcp://10.0.0.8:5671", BATON_SERVICE_HOST="10.0.0.7", BATON_SERVICE_PORT="5670",
                      BATON_PORT_5670_TCP_ADDR="10.0.0.7")
    assert line["event"] == "started"


def check(text, folder, **environment):
    file = folder / "baton.toml"
    file.write_text(text)
    done = baton("check-config", str(file), **environment)
    return done.returncode, done.stdout.replace(str(folder), "."), done.stderr.replace(str(folder), ".")


def check_config_names_every_faulty_line():
    with Folder() as folder:
        (folder / "open.key").write_text("00" * 31 + "01\n")
        (folder / "open.key").chmod(0o644)
        status, out, err = check(f"""# a comment
name = "ada"
clustre = "harbour"
port = http
no-beacon = perhaps
[network]
seed = ["127.0.0.1:1",
        "nowhere"]
key-file = "{folder}/open.key"
spill-dir = "{folder}/open.key/spills"
redial-for = 2 weeks
group = "10.0.0.1"
zz
host
publish-port = 5670
""", folder)
        assert status == 2 and out == "", (status, out)
        lines = dict(re.findall(r"^\./baton\.toml:(\d+): (.*)$", err, re.M))
        assert lines.keys() == set("3 4 5 6 7 9 10 11 12 13 14".split()), err
        assert lines["3"] == "'clustre' is not an option; the nearest is cluster"
        assert lines["4"] == "port: 'http' is not a whole number from 0 to 65535"
        assert lines["5"] == "no-beacon: 'perhaps' is neither true nor false"
        assert lines["6"] == "sections are not allowed: '[network]'"
        assert lines["7"] == "seed 'nowhere' is not HOST:PORT, or _SERVICE._tcp.NAME"
        assert lines["9"] == "key file './open.key': its mode is 0644: other users can use it; chmod 600"
        assert lines["10"].startswith("spill_dir './open.key/spills': ")
        assert lines["11"].startswith("redial-for ")
        assert "is not an IPv4 multicast group" in lines["12"]
        assert lines["13"] == "'zz' is not an option"
        assert lines["14"] == "host: its value is missing: host = VALUE"


def what_check_config_accepts_a_start_accepts_and_the_other_way_round():
    with Folder() as folder:
        good = f'host = "127.0.0.1"\nno-beacon = true\nspill-dir = "{folder}/deep/spills"\nseed = "127.0.0.1:1"\n' \
               'seed = "127.0.0.1:2"\nleave-within = 1s\nfounding\n'
        status, out, err = check(good, folder)
        assert (status, out, err) == (0, "./baton.toml: ok, 7 lines\n", "")
        assert not (folder / "deep").exists()  # it leaves no trace
        line, _ = started("--config", str(folder / "baton.toml"))
        assert line["event"] == "started" and (folder / "deep/spills").is_dir()
        for bad in ("nonsense = 1", 'name = "a#b"', "port = x", "[section]", "mesh-size = -1", 'cluster = ""', 'seed = "x"', 'name = "a,b" "c"',
                    'http = "9400"', 'http-token-file = "/nonexistent/token"\nhttp = "127.0.0.1:0"', 'key-file = "/nonexistent/key"', 'spill-dir = "/proc/none"', "x", 'advertise = "0.0.0.0"'):
            status, _, err = check(bad + "\n", folder)
            assert status == 2 and "./baton.toml:1: " in err, (bad, status, err)
            done = baton("run", "--config", str(folder / "baton.toml"), "--host", "127.0.0.1", "--no-beacon")
            assert done.returncode in (1, 2) and '"started"' not in done.stdout, (bad, done)
        status, _, err = check('spill-dir = "/proc/none"\nspill-dir-optional = true\n', folder)
        assert status == 0, err  # as a start, which only warns
        several = baton("run", "--config", str(folder / "baton.toml"), "--port", "70000")
        assert several.returncode == 2


def a_faulty_file_is_refused_by_a_start_with_all_its_faults():
    with Folder() as folder:
        file = folder / "baton.toml"
        file.write_text("nonsense = 1\nport = x\n")
        done = baton("run", "--config", str(file))
        assert done.returncode == 2 and f"{file}:1: 'nonsense'" in done.stderr and f"{file}:2: port" in done.stderr, done


def check_config_opens_no_socket():
    with Folder() as folder:
        file = folder / "baton.toml"
        file.write_text(f'port = 1\nhost = "203.0.113.7"\ninterface = "none0"\nspill-dir = "{folder}/spills"\n')
        has_strace = any(os.access(pathlib.Path(each) / "strace", os.X_OK) for each in os.environ["PATH"].split(":"))
        trace = subprocess.run(["strace", "-f", "-e", "trace=socket,bind", "-o", str(folder / "trace"), PROGRAM, "check-config",
                                str(file)], capture_output=True, text=True) if has_strace else None
        done = baton("check-config", str(file))  # an address that is not here, a port of root's: only a start finds out
        assert done.returncode == 0, done
        if trace is not None and trace.returncode == 0:
            assert "socket(" not in (folder / "trace").read_text()


def check_config_warns_of_variables_that_are_nearly_right():
    with Folder() as folder:
        status, _, err = check("port = 0\n", folder, BATON_CLUSTR="harbour", BATON_TEST_SLOWDOWN="1")
        assert status == 0 and err == "baton: warning: BATON_CLUSTR is no option's variable; the nearest is BATON_CLUSTER\n", err
    assert baton("check-config", "/nonexistent").returncode == 2
    assert baton("check-config").returncode == 2


def the_sample_names_every_option_and_is_right():
    sample = pathlib.Path(ROOT, "examples/baton.toml").read_text()
    names = re.findall(r"^#? ?([a-z][a-z0-9-]*) = ", sample, re.M)
    usual = [option.name[2:] for option in options_table.options_of(PROGRAM) if option.group != "Options"]
    assert set(names) >= set(usual) and len(names) == len(set(names)), set(usual) ^ set(names)
    with Folder() as folder:
        assert check(sample, folder)[0] == 0
        (folder / "mesh.key").write_text("00" * 31 + "01\n")
        (folder / "mesh.key").chmod(0o600)
        everything = re.sub(r"^# ?([a-z][a-z0-9-]* = )", r"\1", sample, flags=re.M)
        (folder / "http.token").write_text("0123456789abcdef0123\n")
        (folder / "http.token").chmod(0o600)
        everything = everything.replace("/etc/baton/", f"{folder}/").replace("/var/lib/baton", str(folder / "s"))
        status, _, err = check(everything, folder)
        assert status == 0, err


def the_documents_name_every_option():
    table = options_table.table_of(PROGRAM)
    path = pathlib.Path(ROOT, "CONFIG.md")
    text = path.read_text()
    begin, end = text.index(options_table.BEGIN) + len(options_table.BEGIN), text.index(options_table.END)
    if os.environ.get("BATON_REWRITE_GOLDEN"):
        path.write_text(text[:begin] + table + text[end:])
    else:
        assert text[begin:end] == table, "CONFIG.md: BATON_REWRITE_GOLDEN=1 writes the table anew"


if __name__ == "__main__":
    PROGRAM, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    cases.run(globals(), sys.argv[3:])
