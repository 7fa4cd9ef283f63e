#!/usr/bin/env python3
"""Checks who includes whom: the rooms' order, operators apart, libraries and intrinsics in their place.

usage: check_includes.py [ROOT]
"""

import sys
from pathlib import Path

from source_tree import REPOSITORY, includes, isa_of, resolve, tracked_files

# Each room and those that it stands on; it may include them and all that they stand on.
ROOMS = {
    "base": (),
    "program": ("base",),
    "formats": ("program",),
    "kernels": ("base",),
    "onednn": ("base",),
    "steps": ("kernels", "onednn"),
    "graph": ("program",),
    "ops": ("graph", "steps"),
    "passes": ("ops",),
    "plan": ("passes",),
    "runtime": ("plan",),
    "session": ("runtime", "formats"),
    "quant": ("runtime", "formats"),
    "api": ("session", "quant"),
    "imaging": ("base",),
    "cli": ("session", "quant", "imaging"),
}

# Public headers belong to the room that implements them.
PUBLIC_HEADERS = {
    "skiff/export.h": "base",
    "skiff/status.h": "base",
    "skiff/dtype.h": "base",
    "skiff/session_types.h": "base",
    "skiff/session.h": "session",
    "skiff/convert.h": "quant",
    "skiff/quantize.h": "quant",
    "skiff/quantize_weights.h": "quant",
    "skiff/quantize_report.h": "quant",
    "skiff/analyze.h": "quant",
    "skiff/tune.h": "quant",
}

# Libraries and the rooms that may include them, by the start of the header's name.
LIBRARIES = {
    "protozero/": ("formats",),
    "dnnl": ("onednn",),
    "xxhash": ("quant",),
    "oneapi/dnnl": ("onednn",),
    "CLI/": ("cli",),
    "nlohmann/": ("imaging", "cli"),
    "fmt/": ("cli",),
    "jpeglib.h": ("imaging",),
    "jerror.h": ("imaging",),
    "png.h": ("imaging",),
    "zlib.h": ("formats",),
}

# All that a file compiled for an instruction set may include besides headers of kernels/: inline
# code of any other header would be compiled with that set's flags, and the linker may keep that copy.
ISA_SYSTEM_HEADERS = ("immintrin.h", "cstdint", "cstddef", "cfloat")


def allowed_rooms(room: str) -> set[str]:
    rooms = {room}
    for below in ROOMS[room]:
        rooms |= allowed_rooms(below)
    return rooms


def room_of(file: Path) -> str | None:
    """The room of a file of the project; None for what may include anything (tests/, bench/, demos/)."""
    if file.parts[:2] == ("include", "paddle_infer"):
        return "api"
    if file.parts[0] == "include":
        return PUBLIC_HEADERS.get("/".join(file.parts[1:]), "session")
    return file.parts[1] if file.parts[0] == "src" else None


def operator_of(file: Path) -> str | None:
    """The operator folder that a file lies in."""
    return file.parts[2] if file.parts[:2] == ("src", "ops") and len(file.parts) > 3 else None


def is_test(file: Path) -> bool:
    return file.stem.endswith("_test") or file.parts[0] == "tests"


def isa_closure_faults(root: Path, file: Path) -> list[str]:
    """Headers below a file compiled for an instruction set, and what they bring in."""
    found, seen, queue = [], {file}, [file]
    while queue:
        current = queue.pop()
        for line, header, quoted in includes(root / current):
            target = resolve(root, current, header) if quoted else None
            if target is None and header in ISA_SYSTEM_HEADERS:
                continue
            if target is None or room_of(target) != "kernels":
                found.append(f"{current}:{line}: {header}: reaches {file.name}, which may include only"
                             f" headers of kernels/, {', '.join(ISA_SYSTEM_HEADERS)}")
            elif target not in seen:
                seen.add(target)
                queue.append(target)
    return found


def project_include_fault(file: Path, target: Path) -> str | None:
    room, target_room = room_of(file), room_of(target)
    if target_room is None:
        return None if is_test(file) else f"{target} is no part of the library"
    # The reference of an operator is the specification of the kernels under it.
    if room == "kernels" and is_test(file) and target.name.endswith("_ref.h"):
        return None
    if target_room not in allowed_rooms(room):
        return f"room {room} does not stand on room {target_room}"
    theirs = operator_of(target)
    if theirs == "testing":  # what tests of operators share
        return None if is_test(file) or operator_of(file) == theirs else "only tests use testing/"
    if theirs is not None and theirs != operator_of(file):
        return f"operator folders know nothing of each other ({theirs})"
    if isa_of(target) and not isa_of(file):
        return f"{target.name} is for files compiled for {isa_of(target)}"
    return None


def system_include_fault(file: Path, header: str) -> str | None:
    # A benchmark may read the clock of the CPU.
    baseline = header == "emmintrin.h" and file.stem.endswith("_sse2")  # what x86-64 has
    if header.endswith("intrin.h") and not isa_of(file) and not file.stem.endswith("_bench") and not baseline:
        return "intrinsics belong in files named *_<instruction set>"
    for prefix, rooms in LIBRARIES.items():
        if header.startswith(prefix) and room_of(file) not in rooms:
            return f"only {', '.join(rooms)} may use this library"
    if header.startswith(("gtest/", "gmock/")) and not is_test(file):
        return "only tests include this"
    return None


def faults(root: Path) -> list[str]:
    found = []
    for file in tracked_files(root, ".h", ".cc", ".inc"):
        room = room_of(file)
        if room is None:
            continue
        if room not in ROOMS:
            found.append(f"{file}: room {room} is not in the table of {Path(__file__).name}")
            continue
        if isa_of(file) and file.suffix == ".cc":
            found.extend(isa_closure_faults(root, file))
        for line, header, quoted in includes(root / file):
            target = resolve(root, file, header) if quoted else None
            if quoted and target is None and not header.startswith(tuple(LIBRARIES)):
                fault = "no such file under src/ or include/"
            elif target is not None:
                fault = project_include_fault(file, target)
            else:
                fault = system_include_fault(file, header)
            if fault:
                found.append(f"{file}:{line}: {header}: {fault}")
    return found


def main() -> int:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else REPOSITORY
    found = faults(root)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
