"""Which file of the project includes which, and where that goes round in a circle.

A header and the .cpp of its name are one unit, for what the .cpp includes the header needs as well. So is a .cpp that
implements a part of a header: store_ttl.cpp and store.hpp. Units include one another without a cycle, but for the knots
that KNOTS names.
"""
import os
import pathlib
import re

FOLDERS = ("crdt", "wire", "discovery", "node", "tests", "examples")
ROOTS = ("crdt/include", "crdt/src", "wire/include", "wire/src", "discovery/include", "discovery/src", "node/include",
         "node/core", "node/shell", "node/cli", "tests", "tests/core", "examples/common")  # as in CMake; the folder of the file itself comes first
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)

KNOTS = {  # units that may include one another, and why
    frozenset({"node/include/baton/claim.hpp", "node/shell/shell/claiming.hpp"}):
        "claiming.hpp completes claim_handle::body, which claim.hpp declares and claim.cpp uses",
    frozenset({"node/include/baton/client.hpp", "node/include/baton/client_claim.hpp", "node/shell/shell/client/client_impl.hpp"}):
        "client_impl.hpp completes client::impl, which client.hpp declares; client.cpp and client_claim.cpp use it",
    frozenset({"node/include/baton/options.hpp", "node/shell/shell/interfaces.hpp"}):
        "options.cpp asks the shell whether a host stands for every address; options narrow the interfaces",
}


def includes(root):
    """file → the files of the project that it includes, in their order; paths from the root."""
    files = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
             for folder in FOLDERS for path in sorted((root / folder).rglob("*.[ch]pp"))}

    def found(file, name):
        for folder in (os.path.dirname(file), *ROOTS):
            path = os.path.normpath(os.path.join(folder, name))
            if path in files:
                return path
        return None

    return {file: [path for name in INCLUDE.findall(text) if (path := found(file, name))]
            for file, text in files.items()}


def closure(graph, file):
    """The file and every file of the project that it includes, however indirectly."""
    seen, waiting = {file}, [file]
    while waiting:
        for path in graph.get(waiting.pop(), ()):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return seen


def unit_of(graph, file):
    """The header that a .cpp implements: one of its layer with the same name, or with the longest first part of it."""
    stem = pathlib.PurePath(file).stem
    if not file.endswith(".cpp"):
        return file
    own = [path for path in graph[file] if path.endswith(".hpp") and path.split("/")[0] == file.split("/")[0]
           and (stem + "_").startswith(pathlib.PurePath(path).stem + "_")]
    return max(own, key=lambda path: len(pathlib.PurePath(path).stem), default=file)


def knots(graph):
    """The sets of two or more units of which each includes, however indirectly, each other one. Source: Tarjan 1972."""
    edges = {}
    for file, included in graph.items():
        unit = unit_of(graph, file)
        edges.setdefault(unit, set()).update({unit_of(graph, path) for path in included} - {unit})
    number, low, stack, found = {}, {}, [], []

    def visit(unit):
        number[unit] = low[unit] = len(number)
        stack.append(unit)
        for other in sorted(edges[unit]):
            if other not in number:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == number[unit]:
            knot = stack[stack.index(unit):]
            del stack[stack.index(unit):]
            if len(knot) > 1:
                found.append(knot)

    for unit in sorted(edges):
        if unit not in number:
            visit(unit)
    return [(knot, shortest_cycle(edges, knot)) for knot in found]


def shortest_cycle(edges, knot):
    """The units of a shortest way from one of the knot back to itself, which stands first and last."""
    best = None
    for start in sorted(knot):
        came_from, waiting = {}, [start]
        while waiting and start not in came_from:
            unit = waiting.pop(0)
            for other in sorted(edges[unit] & set(knot)):
                if other not in came_from:
                    came_from[other] = unit
                    waiting.append(other)
        way = [start]
        while len(way) == 1 or way[-1] != start:
            way.append(came_from[way[-1]])
        if best is None or len(way) < len(best):
            best = way[::-1]
    return best


def offences(root, named=frozenset(KNOTS)):
    """(file, line, message) of each knot that is not named, and of each named one that is no knot."""
    graph = includes(root)
    found = {frozenset(knot): cycle for knot, cycle in knots(graph)}
    for knot, cycle in found.items():
        if knot in named:
            continue
        steps = []
        for unit, other in zip(cycle, cycle[1:]):
            file = next(file for file, included in graph.items()
                        if unit_of(graph, file) == unit and any(unit_of(graph, path) == other for path in included))
            steps.append(f"{file} includes {next(p for p in graph[file] if unit_of(graph, p) == other)}")
        yield cycle[0], 1, f"a cycle of includes among {len(knot)} units: " + ", ".join(steps)
    for knot in named:
        if knot not in found:
            yield "tests/package/include_graph.py", 1, f"KNOTS names what is no knot: {', '.join(sorted(knot))}"
