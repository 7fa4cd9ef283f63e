"""The source files of the project and what they include: shared by the check_*.py scripts."""

import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ISAS = ("avx2", "avx_vnni", "avx512bw", "avx512_vnni", "amx")  # the suffixes of cmake/rooms.cmake

_INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def tracked_files(root: Path, *suffixes: str) -> list[Path]:
    """Files that git tracks or would add, relative to root, that exist and end in one of suffixes."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    files = {Path(name) for name in names if name.endswith(suffixes)}
    return sorted(file for file in files if (root / file).is_file())


def includes(file: Path) -> list[tuple[int, str, bool]]:
    """(line number, header, is it in quotes) of every #include in a file."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if match := _INCLUDE.match(line):
            found.append((number, match.group(2), match.group(1) == '"'))
    return found


def resolve(root: Path, includer: Path, header: str) -> Path | None:
    """The project's file behind #include "header", relative to root."""
    for folder in (Path("src"), Path("include"), Path("."), includer.parent):
        if (root / folder / header).is_file():
            return folder / header
    return None


def isa_of(file: Path) -> str | None:
    """The instruction set that a file's name declares: conv_avx2.cc is "avx2"."""
    matches = [isa for isa in ISAS if file.stem.endswith("_" + isa)]
    return max(matches, key=len, default=None)
