#!/usr/bin/env python3
"""clang-tidy over the project's sources, with the list of .clang-tidy.

usage: check_tidy.py BUILD_DIR [--jobs N] [--seconds S]

A file that passed is not looked at again until it, a header of the project that it includes, its
compile command or the list changes (.cache/tidy holds one empty file per pass). Tests are left out:
their macros cost most of the time and find little. The files that changed last come first. With
--seconds no new file is begun after that time, and what was not looked at is named; the next run goes on
from there.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from source_tree import REPOSITORY, includes, resolve

TIDY = "clang-tidy-14"
CACHE = REPOSITORY / ".cache" / "tidy"


def included_files(file: Path) -> set[Path]:
    """The file and every project header below it, relative to the repository."""
    seen, queue = set(), [file]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        found = (resolve(REPOSITORY, current, name) for _, name, quoted in
                 includes(REPOSITORY / current) if quoted)
        queue.extend(header for header in found if header)
    return seen


def fingerprint(file: Path, command: str) -> str:
    digest = hashlib.sha256(f"{TIDY}\n{command}\n".encode())
    for path in sorted(included_files(file)) + [Path(".clang-tidy")]:
        digest.update((REPOSITORY / path).read_bytes())
    return digest.hexdigest()


def units(build_dir: Path) -> dict[Path, str]:
    """Source file and compile command of everything that is ours, generated and test files apart."""
    commands = {}
    for entry in json.loads((build_dir / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if path.is_relative_to(REPOSITORY / "src") and not path.stem.endswith(("_test", "_bench")):
            commands[path.relative_to(REPOSITORY)] = entry["command"]
    return commands


def last_changes() -> dict[Path, int]:
    """When each file was last committed, in seconds since 1970; uncommitted files are not in it."""
    log = subprocess.run(["git", "log", "--format=%x00%ct", "--name-only", "--no-renames"],
                         cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    times: dict[Path, int] = {}
    for commit in log.split("\0")[1:]:
        seconds, *names = commit.split("\n")
        for name in filter(None, names):
            times.setdefault(Path(name), int(seconds))
    return times


def tidy(build_dir: Path, file: Path) -> str:
    """What clang-tidy has to say; empty when all is well."""
    command = [TIDY, "-p", str(build_dir), "--quiet", "--extra-arg=-Wno-unknown-warning-option", str(file)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build_dir", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=float("inf"))
    args = parser.parse_args()
    build_dir = args.build_dir.resolve()
    CACHE.mkdir(parents=True, exist_ok=True)

    pending = []
    commands = units(build_dir)
    for file, command in commands.items():
        stamp = CACHE / fingerprint(file, command)
        if not stamp.exists():
            pending.append((file, stamp))
    times = last_changes()
    pending.sort(key=lambda job: times.get(job[0], sys.maxsize), reverse=True)
    deadline = time.monotonic() + args.seconds
    skipped, failed = [], []

    def look(job: tuple[Path, Path]) -> None:
        file, stamp = job
        if time.monotonic() > deadline:
            skipped.append(file)
        elif faults := tidy(build_dir, file):
            failed.append(file)
            print(faults, flush=True)
        else:
            stamp.touch()

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(look, pending))
    looked_at = len(pending) - len(skipped)
    print(f"check_tidy: {len(commands)} files, {looked_at} looked at, {len(failed)} with faults,"
          f" {len(skipped)} left for the next run")
    for file in skipped:
        print(f"  not looked at: {file}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
