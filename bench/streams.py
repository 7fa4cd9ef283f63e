#!/usr/bin/env python3
"""How Skiff loads, starts and scales: load time, the first run against the steady ones, N threads and N processes against one.

usage: streams.py --skiff PATH [--count 2] MODEL_DIR...

In each round one thread alone, one process of N threads, and N processes of one thread that start at the same moment,
take turns. Gains are medians over rounds of the ratio within a round. Processes do not share weights as Session::Clone
would: a gain of theirs is a lower bound.
"""

import argparse
import statistics
from pathlib import Path

from adapter import Adapter
from contestants import MEMORY_MIB
from exclusive import Exclusive

LOADS = 5


def start(args: argparse.Namespace, model: Path, threads: int) -> Adapter:
    command = [args.skiff, "bench", "--serve", "--model_dir", str(model), "--precision", args.precision, "--threads",
               str(threads), "--memory_limit", MEMORY_MIB]
    adapter = Adapter(model.name, command, {"SKIFF_ISA": args.isa})
    adapter.wait_ready()
    return adapter


def at_once(adapters: list[Adapter], seconds: float) -> float:
    """Runs a millisecond of all together."""
    for adapter in adapters:
        adapter.ask(seconds, 3)
    return sum(1 / statistics.median(adapter.finish(seconds)) for adapter in adapters)


def loads(args: argparse.Namespace, model: Path) -> list[dict]:
    found = []
    for _ in range(LOADS):
        adapter = start(args, model, 1)
        found.append(adapter.ready)
        adapter.close()
    return found


def row(args: argparse.Namespace, model: Path) -> str:
    with Exclusive(args.exclusive, 60):
        loaded = loads(args, model)
        ones = [start(args, model, 1) for _ in range(args.count)]
        several = start(args, model, args.count)
        try:
            rounds = [(at_once(ones[:1], args.seconds), at_once([several], args.seconds), at_once(ones, args.seconds))
                      for _ in range(args.rounds + 1)][1:]  # the first warms up
        finally:
            for adapter in (*ones, several):
                adapter.close()
    steady = 1 / statistics.median(one for one, _, _ in rounds)
    threads = statistics.median(t / one for one, t, _ in rounds)
    processes = statistics.median(p / one for one, _, p in rounds)
    load = statistics.median(ready["load_ms"] for ready in loaded)
    first = statistics.median(ready["first_ms"] for ready in loaded)
    return (f"| {args.name or model.name} | {load:.0f} | {first:.3g} | {steady:.3g} | {first / steady:.2f} | {threads:.2f} |"
            f" {processes:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--skiff", required=True)
    parser.add_argument("--name", help="of the model, in the table; its folder's if absent")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--isa", default="", help="the best of this CPU, if absent")
    parser.add_argument("--count", type=int, default=2, help="threads, and processes")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.4, help="for one turn")
    parser.add_argument("--exclusive", default="", metavar="CMD", help="a wrapper that keeps the machine free while it runs")
    args = parser.parse_args()
    print(f"| model, {args.precision} | load, ms | first run, ms | steady, ms | first / steady | {args.count} threads |"
          f" {args.count} processes |")
    print("|---" * 7 + "|")
    for model in args.models:
        print(row(args, model), flush=True)


if __name__ == "__main__":
    main()
