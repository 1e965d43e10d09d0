"""options_table: the options that `baton --help` lists, and a table of them for the documents."""
import dataclasses
import re
import subprocess

BEGIN, END = "<!-- begin: options -->\n", "<!-- end: options -->\n"


@dataclasses.dataclass
class Option:
    group: str
    name: str  # --name
    value: str  # PORT; empty: a switch
    meaning: str
    default: str
    variable: str


def options_of(program):
    """One option a line: names, value, meaning; its default and its variable at the end."""
    page = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    options, group = [], ""
    for line in page.splitlines():
        if heading := re.match(r"^([A-Z][\w, ]*):$", line):
            group = heading[1]
        option = re.match(r"^  (?:-\w,)?(--[a-z0-9-]+)(?: (\S+))?  +(.*?)(?:; default: ([^;]*))?(?:; repeatable)?; env: (\w+)$", line)
        if option:
            repeatable = "; repeatable" if "; repeatable" in line else ""
            options.append(Option(group, option[1], option[2] or "", option[3] + repeatable, option[4] or "", option[5]))
    return options


def table_of(program):
    rows = ["| option | variable | default | meaning |", "|---|---|---|---|"]
    for option in options_of(program):
        words = f"{option.name} {option.value}".strip()
        meaning = option.meaning.replace("|", "\\|")
        rows.append(f"| `{words}` | `{option.variable}` | {option.default or '–'} | {meaning} |")
    return "\n".join(rows) + "\n"
