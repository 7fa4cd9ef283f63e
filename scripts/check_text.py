#!/usr/bin/env python3
"""Checks what every tracked file should be: small, finished, and free of its author's machine.

usage: check_text.py [ROOT]

Source files over 400 lines are named; over 500 they fail. Unfinished places, absolute paths into
somebody's home or work folder, tabs, trailing blanks and files over 20 MiB fail.
"""

import re
import sys
from pathlib import Path

from source_tree import REPOSITORY, tracked_files

SOFT_LINES, HARD_LINES = 400, 500
MAX_BYTES = 20 << 20
CODE = (".cc", ".h", ".inc", ".py", ".sh", ".cmake", "CMakeLists.txt")
TEXT = CODE + (".md", ".txt", ".json", ".csv", ".clang-tidy", ".clang-format", "LICENSE", "NOTICE")

RULES = (
    (CODE, re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"), "unfinished place"),
    (TEXT, re.compile(r"(?<![\w.])/(home|root|Users|work)/\w"), "path of somebody's machine"),
    (CODE, re.compile(r"\t"), "tab"),
    (CODE, re.compile(r"[ \t]+$"), "trailing blanks"),
)


def file_faults(root: Path, file: Path) -> list[str]:
    if (root / file).stat().st_size > MAX_BYTES:
        return [f"{file}: over {MAX_BYTES >> 20} MiB"]
    if not file.name.endswith(TEXT):
        return []
    lines = (root / file).read_text(encoding="utf-8").split("\n")
    found = []
    if file.name.endswith(CODE) and len(lines) > HARD_LINES:
        found.append(f"{file}: {len(lines)} lines, over {HARD_LINES}: split it by purpose")
    for number, line in enumerate(lines, start=1):
        for suffixes, pattern, meaning in RULES:
            if file.name.endswith(suffixes) and pattern.search(line):
                found.append(f"{file}:{number}: {meaning}")
    return found


def long_files(root: Path) -> list[str]:
    counts = ((len((root / file).read_bytes().splitlines()), file) for file in tracked_files(root, *CODE))
    return [f"{file}: {count} lines" for count, file in counts if SOFT_LINES < count <= HARD_LINES]


def faults(root: Path) -> list[str]:
    return [fault for file in tracked_files(root, "") for fault in file_faults(root, file)]


def main() -> int:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else REPOSITORY
    for note in long_files(root):
        print(f"note: {note}")
    found = faults(root)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
