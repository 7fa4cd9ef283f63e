#!/usr/bin/env python3
"""INT8 against Skiff's own FP32 on quantised models, on every rung of this CPU, as a table.

usage: speed_table.py SKIFF [--rounds N] [--doc FILE] MODEL_DIR...

Both precisions of a model run in turn, N rounds (5), under the same cap (SKIFF_ISA also caps oneDNN); each figure is
the least of the rounds' medians. The rungs that the CPU lacks are named. With --doc the table replaces what stands
between the lines "<!-- speed_table -->" and "<!-- /speed_table -->" of that file. Keep the machine idle.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

RUNGS = ["scalar", "avx2", "avx_vnni", "avx512bw", "avx512_vnni", "amx"]
BEGIN, END = "<!-- speed_table -->", "<!-- /speed_table -->"
SECONDS = 1.5  # of one measurement


def ask(skiff: str, *arguments: str, isa: str = "") -> dict:
    environment = dict(os.environ, SKIFF_ISA=isa)
    result = subprocess.run([skiff, *arguments, "--json"], env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"speed_table: {result.stderr.strip()}")
    return json.loads(result.stdout)


def median_ms(skiff: str, model: str, precision: str, isa: str, repeats: int) -> float:
    bench = ask(skiff, "bench", "--model_dir", model, "--precision", precision, "--warmup", "3", "--repeats",
                str(repeats), isa=isa)
    return bench["median_ms"]


def measure(skiff: str, model: str, isa: str, rounds: int) -> tuple[float, float]:
    """FP32 and INT8 in milliseconds."""
    first = {p: median_ms(skiff, model, p, isa, 3) for p in ("fp32", "int8")}
    repeats = {p: max(3, min(2000, int(SECONDS * 1000 / ms))) for p, ms in first.items()}
    best = dict.fromkeys(first, float("inf"))
    for _ in range(rounds):
        for precision in best:
            best[precision] = min(best[precision], median_ms(skiff, model, precision, isa, repeats[precision]))
    return best["fp32"], best["int8"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("skiff")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", type=Path)
    args = parser.parse_args()
    doctor = ask(args.skiff, "doctor")
    has = [rung for rung in RUNGS if rung in doctor["supported_isas"]]
    lines = [f"{doctor['cpu']}, {doctor['processors']} processors, one thread, batch 1, oneDNN {doctor['onednn']}. Not on this"
             f" CPU, so not measured: {', '.join(r for r in RUNGS if r not in has) or 'none'}.", "",
             "| model | rung | FP32, ms | INT8, ms | FP32 / INT8 |", "|---|---|---|---|---|"]
    slower = 0
    for model in args.models:
        for isa in has:
            if isa == "scalar":
                continue  # the reference; nobody runs it for its speed
            fp32, int8 = measure(args.skiff, model, isa, args.rounds)
            slower += int8 > fp32
            lines.append(f"| {Path(model).name} | {isa} | {fp32:.3g} | {int8:.3g} | {fp32 / int8:.2f} |")
            print(lines[-1], file=sys.stderr, flush=True)
    table = "\n".join(lines)
    print(table)
    if args.doc:
        text = args.doc.read_text()
        before, rest = text.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        args.doc.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
