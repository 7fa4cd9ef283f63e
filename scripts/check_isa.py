#!/usr/bin/env python3
"""Checks that code compiled for an instruction set cannot run where the CPU lacks it.

usage: check_isa.py BUILD_DIR   (a release build: unoptimised code keeps inline functions out of line)

 - Objects of ordinary files hold baseline x86-64 only: no VEX or EVEX encoding, no SSSE3/SSE4 opcode,
   no AMX. (CPUID and XGETBV are baseline.)
 - Objects of *_<isa>.cc hold no EVEX encoding below AVX-512, and define no symbol that the linker may
   merge with another object's (weak, vague linkage) outside a namespace named after the instruction
   set: the linker keeps any copy, and one compiled for AVX-512 would then run everywhere.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from source_tree import isa_of

LEGACY_PREFIXES = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3}
# A reference to the personality routine of exceptions: data, the same in every object.
HARMLESS_WEAK = {"DW.ref.__gxx_personality_v0"}

_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t(.*)$")


def encoding(code: bytes) -> str:
    """Which extension an instruction needs by its encoding: "", "vex", "evex" or "sse"."""
    at = 0
    while at < len(code) and code[at] in LEGACY_PREFIXES:
        at += 1
    repeat = 0xF3 in code[:at]
    # In 64-bit mode these bytes are prefixes and nothing else.
    if code[at] in (0xC4, 0xC5):
        return "vex"
    if code[at] == 0x62:
        return "evex"
    if 0x40 <= code[at] <= 0x4F:
        at += 1
    if code[at] == 0x0F and at + 1 < len(code):
        if code[at + 1] in (0x38, 0x3A):
            return "sse"  # SSSE3, SSE4, MOVBE, CRC32
        if code[at + 1] == 0xB8 and repeat:
            return "sse"  # POPCNT
    return ""


def instructions(object_file: Path):
    """(function, bytes, text) of every instruction."""
    command = ["objdump", "--disassemble", "--wide", "--insn-width=16", str(object_file)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    function = "?"
    for line in listing.splitlines():
        if match := _INSTRUCTION.match(line):
            if match.group(2) != "(bad)":
                yield function, bytes.fromhex(match.group(1)), match.group(2)
        elif match := _FUNCTION.match(line):
            function = match.group(1)


def namespaces(symbol: str) -> list[str]:
    """The nested name of a mangled symbol: _ZN5skiff4avx23FooEv gives ["skiff", "avx2", "Foo"]."""
    start = re.match(r"_Z(?:T[VTIS]|G[VR]|Z)*N[KVrRO]*", symbol)
    names, at = [], start.end() if start else len(symbol)
    while match := re.match(r"\d+", symbol[at:]):
        begin = at + match.end()
        at = begin + int(match.group())
        names.append(symbol[begin:at])
    return names


def weak_symbols(object_file: Path) -> list[str]:
    command = ["nm", "--defined-only", "--format=posix", str(object_file)]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = (line.split() for line in listing.splitlines())
    return [row[0] for row in rows if row[1] in "WVu"]


def object_faults(object_file: Path) -> list[str]:
    source = Path(object_file.name.removesuffix(".o"))
    isa = isa_of(source)
    forbidden = {"vex", "evex", "sse"} if isa is None else set()
    if isa in ("avx2", "avx_vnni"):
        forbidden = {"evex"}
    found = {}
    if forbidden:
        for function, code, text in instructions(object_file):
            if (kind := encoding(code)) in forbidden:
                found.setdefault(function, f"{object_file}: {function}: {kind} instruction: {text}")
    if isa is not None:
        for symbol in weak_symbols(object_file):
            if isa not in namespaces(symbol) and symbol not in HARMLESS_WEAK:
                found[symbol] = f"{object_file}: weak symbol outside namespace {isa}: {symbol}"
    return list(found.values())


def is_shipped(object_file: Path) -> bool:
    """Test programs and benchmarks run where they were built; what they hold harms nobody."""
    targets = [part.removesuffix(".dir") for part in object_file.parts if part.endswith(".dir")]
    return not any(t.startswith("tests_") or t.endswith(("_test", "_bench")) for t in targets)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    objects = sorted(filter(is_shipped, Path(sys.argv[1]).rglob("*.cc.o")))
    if not objects:
        print(f"check_isa: no object files under {sys.argv[1]}", file=sys.stderr)
        return 2
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [fault for faults in pool.map(object_faults, objects) for fault in faults]
    print("\n".join(found), end="\n" if found else "")
    print(f"check_isa: {len(objects)} object files, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
