#!/usr/bin/env python3
"""Writes baton/_baton_abi.py, by which cffi calls libbaton (out-of-line ABI mode: no compiler is needed).

build_abi.py HEADER INTO: the declarations are those of <baton/baton.h> itself.
"""
import pathlib
import re
import sys

import cffi


def declarations(header: str) -> str:
    """The header without what only a preprocessor or a compiler understands."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"static inline .*?^}", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    return text.replace("BATON_C_API", "")


def main() -> None:
    header, into = map(pathlib.Path, sys.argv[1:])
    ffi = cffi.FFI()
    ffi.cdef(declarations(header.read_text(encoding="utf-8")))
    ffi.set_source("_baton_abi", None)
    ffi.emit_python_code(str(into))


main()
