#!/usr/bin/env python3
"""What llvm-mca predicts for the loops of a compiled kernel: a check of kernels for CPUs that no machine at hand has.

usage: mca.py OBJECT --symbol REGEX [--cpu NAME] [--mca PROGRAM]

    bench/mca.py build/release/CMakeFiles/skiff_kernels.dir/src/kernels/conv/conv_avx512_vnni.cc.o --symbol 'RunBlocks<DotU8.*, 4>'

Prints each innermost loop of the functions whose names match: its instructions, how many of them multiply integers and how many touch
the stack (sums that were spilled), and the cycles of a turn. A prediction is no measurement: llvm-mca takes every load from L1, every
branch as foreseen and its table of instructions for the CPU. In LLVM 19 that of sapphirerapids has one port for 512-bit multiplies
where the CPU has two, those of skylake-avx512 and icelake-server let some 512-bit operations use a third port, and tile
instructions have no throughput at all.
"""

import argparse
import re
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

TURNS = 200
MULTIPLIES = re.compile(r"(\{vex\} )?(vp(dpbusd|maddubsw|maddwd)|tdpb)")
STACK = re.compile(r"\(%r[sb]p\b")
NAMESPACES = re.compile(r"skiff::kernels::|\(anonymous namespace\)::")


@dataclass(frozen=True)
class Instruction:
    address: int
    text: str

    def target(self) -> int | None:
        """Where a branch inside its function goes."""
        found = re.match(r"j\w+\s+([0-9a-f]+)\b", self.text)
        return int(found[1], 16) if found else None


@dataclass(frozen=True)
class Prediction:
    instructions: int
    multiplies: int
    stack: int
    cycles: float


def functions(disassembly: str) -> list[tuple[str, list[Instruction]]]:
    """The functions of `objdump -dC --no-show-raw-insn`."""
    found: list[tuple[str, list[Instruction]]] = []
    body: list[Instruction] = []
    for line in disassembly.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            body = []
            found.append((NAMESPACES.sub("", head[1]), body))
        elif entry := re.match(r"\s*([0-9a-f]+):\t(.*)", line):
            body.append(Instruction(int(entry[1], 16), entry[2].strip()))
    return found


def multiplies(body: list[Instruction]) -> int:
    return sum(MULTIPLIES.match(instruction.text) is not None for instruction in body)


def shortest_way(body: list[Instruction], begin: int, end: int) -> list[int] | None:
    """Indices of the fewest instructions from one to the other: compilers put what surrounds a loop into its midst."""
    at = {instruction.address: index for index, instruction in enumerate(body)}
    came_from = {begin: begin}
    queue = deque([begin])
    while queue and end not in came_from:
        here = queue.popleft()
        after = [at.get(body[here].target())]
        if not body[here].text.startswith(("jmp", "ret")):
            after.append(here + 1)
        for there in after:
            if there is not None and there < len(body) and there not in came_from:
                came_from[there] = here
                queue.append(there)
    if end not in came_from:
        return None
    way = [end]
    while way[-1] != begin:
        way.append(came_from[way[-1]])
    return way[::-1]


def innermost_loops(body: list[Instruction]) -> list[list[Instruction]]:
    """The ways from the target of a branch backwards to the branch that have no other such way within; if some multiply, of those."""
    at = {instruction.address: index for index, instruction in enumerate(body)}
    begins = [(at.get(instruction.target()), end) for end, instruction in enumerate(body)]
    ways = [way for begin, end in begins if begin is not None and begin <= end and (way := shortest_way(body, begin, end))]
    if multiplying := [way for way in ways if multiplies([body[i] for i in way])]:
        ways = multiplying
    return [[body[i] for i in way] for way in ways if not any(set(other) < set(way) for other in ways)]


def assembly(loop: list[Instruction]) -> str:
    """As llvm-mca reads it: branches go to the loop's head, calls are left out, comments and names of targets too."""
    lines = [".L:"]
    for instruction in loop:
        text = re.sub(r"\s*(<.*>|#.*)$", "", re.sub(r"\s*#.*", "", instruction.text))
        if text.startswith("call"):
            continue
        lines.append(re.sub(r"^(j\w+)\s.*", r"\1 .L", text))
    return "\n".join(lines) + "\n"


def total_cycles(report: str) -> int:
    found = re.search(r"Total Cycles:\s+(\d+)", report)
    if found is None:
        raise ValueError("llvm-mca said nothing of cycles")
    return int(found[1])


def predict(loop: list[Instruction], mca: str, cpu: str) -> Prediction:
    report = subprocess.run([mca, f"-mcpu={cpu}", f"-iterations={TURNS}"], input=assembly(loop), capture_output=True, text=True,
                            check=True).stdout
    stack = sum(STACK.search(instruction.text) is not None for instruction in loop)
    return Prediction(len(loop), multiplies(loop), stack, total_cycles(report) / TURNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("object", type=Path)
    parser.add_argument("--symbol", default=".", help="regular expression for demangled names, without the kernels' namespaces")
    parser.add_argument("--cpu", default="icelake-server", help="as llvm-mca names it")
    parser.add_argument("--mca", default="llvm-mca-19")
    options = parser.parse_args()
    disassembly = subprocess.run(["objdump", "-dC", "--no-show-raw-insn", options.object], capture_output=True, text=True,
                                 check=True).stdout
    print(f"{'cycles':>8} {'instructions':>12} {'multiplies':>10} {'on the stack':>12}")
    for name, body in functions(disassembly):
        if not re.search(options.symbol, name):
            continue
        print(name)
        for loop in innermost_loops(body):
            p = predict(loop, options.mca, options.cpu)
            print(f"{p.cycles:8.2f} {p.instructions:12} {p.multiplies:10} {p.stack:12}  from {loop[0].address:#x}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"mca: {error}{getattr(error, 'stderr', None) or ''}")
