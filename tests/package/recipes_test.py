#!/usr/bin/env python3
"""recipes_test.py ROOT: the recipes of Debian, vcpkg and Conan, and the table DEPENDENCIES.md, agree with CMakeLists.txt:
the version, and every dependency under the name that it has there. Conan and vcpkg themselves are not run."""
import ast
import json
import pathlib
import re
import sys

# CMake's name of each dependency of the library: Debian, vcpkg, Conan, the table.
NAMES = {
    "zmq": ("libzmq3-dev", "zeromq", "zeromq", "libzmq"),
    "sodium": ("libsodium-dev", "libsodium", "libsodium", "libsodium"),
    "cares": ("libc-ares-dev", "c-ares", "c-ares", "c-ares"),
    "msgpack": ("libmsgpack-cxx-dev", "msgpack", "msgpack-cxx", "msgpack-cxx"),
    "cppzmq": ("cppzmq-dev", "cppzmq", "cppzmq", "cppzmq"),
    "xxhash": ("libxxhash-dev", "xxhash", "xxhash", "xxHash"),
}


def main():
    root = pathlib.Path(sys.argv[1])
    packaging = root / "node/packaging"
    cmake = (root / "CMakeLists.txt").read_text() + (packaging / "dependencies.cmake").read_text()
    version = re.search(r"project\(baton VERSION ([\d.]+)", cmake)[1]
    wanted = set(re.findall(r"^baton_(?:library|header)\((\w+)", cmake, re.MULTILINE))
    vcpkg = json.loads((packaging / "vcpkg/ports/baton/vcpkg.json").read_text())
    recipe = (packaging / "conan/recipes/baton/all/conanfile.py").read_text()
    ast.parse(recipe)
    control = (packaging / "debian/control").read_text()
    table = (root / "DEPENDENCIES.md").read_text()
    found = {
        "debian": set(re.findall(r"[\w.+-]+", control.split("Build-Depends:")[1].split("\n\n")[0])),
        "vcpkg": {entry if isinstance(entry, str) else entry["name"] for entry in vcpkg["dependencies"]},
        "conan": set(re.findall(r'self\.requires\("([\w-]+)/', recipe)),
        "DEPENDENCIES.md": set(re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE)),
    }
    wrong = [f"{where} lacks {name}" for dependency in sorted(wanted)
             for where, name in zip(found, NAMES[dependency]) if name not in found[where]]
    if wanted != NAMES.keys():
        wrong.append(f"this test knows {sorted(NAMES)}, and CMake looks for {sorted(wanted)}")
    if vcpkg["version-semver"] != version or f'"{version}"' not in (packaging / "conan/recipes/baton/config.yml").read_text():
        wrong.append(f"the version of vcpkg or Conan is not {version}")
    if f"--version {version}" not in (root / "GUIDE.md").read_text():
        wrong.append(f"GUIDE.md installs another version than {version} by Conan")
    print("\n".join(wrong) or f"recipes agree: {version}, {len(wanted)} dependencies")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
