#!/usr/bin/env python3
"""Times Skiff and its peers on the reference networks, round by round in turn, and appends what it finds to a file.

usage: compare.py --models DIR --venvs DIR --skiff [NAME=]PATH [--skiff ...] --results FILE [rows] [timing]

DIR of models holds a folder for each network, as make_models.py leaves it; DIR of venvs is make_venvs.sh's. Two --skiff
compare two builds. A row is a network, a precision, a batch, a number of threads and an instruction-set rung; all
combinations of what is named are measured, the contestants of a row in turn (A B C A B C ...) so that all see the same
machine. table.py turns the file into tables and charts.
"""

import argparse
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import inputs
import results
from adapter import Adapter, AdapterError
from contestants import ONEDNN_CAPS, SKIFF, Programs, Row, contestants, named_programs, skiff_arguments
from exclusive import Exclusive

LAYER_FIELDS = ("op", "name", "kernel", "precision", "ms", "multiply_adds", "activation_bytes", "input_shape",
                "output_shape")


def doctor(skiff: str) -> dict:
    answer = subprocess.run([skiff, "doctor", "--json"], env={**os.environ, "SKIFF_ISA": ""}, check=True,
                            capture_output=True, text=True)
    found = json.loads(answer.stdout)
    return {key: found[key] for key in ("cpu", "supported_isas", "processors", "onednn")}


def start(chosen: list) -> list[Adapter]:
    """Loaded one after another, so that load times do not disturb each other. Those that fail are named and left out."""
    adapters = []
    try:
        for contestant in chosen:
            adapters.append(Adapter(contestant.name, list(contestant.command), dict(contestant.environment)))
            try:
                adapters[-1].wait_ready()
            except AdapterError as error:
                if contestant.peer == SKIFF:
                    raise
                adapters.pop().close()
                print(f"left out: {error}", file=sys.stderr)
    except BaseException:
        close(adapters)
        raise
    return adapters


def close(adapters: list[Adapter]):
    for adapter in adapters:
        adapter.close()


def clock_ghz(roofline: str) -> float:
    return float(subprocess.run([roofline, "--clock"], check=True, capture_output=True, text=True).stdout)


def time_rounds(adapters: list[Adapter], args: argparse.Namespace) -> tuple[dict[str, list[float]], list[float]]:
    """Each adapter's medians, one of every round, and the clock then; the first round warms up and is dropped."""
    rounds, clocks = {adapter.name: [] for adapter in adapters}, []
    with Exclusive(args.exclusive, args.exclusive_seconds) as exclusive:
        for adapter in adapters:
            adapter.round(args.round_seconds, 1)
        begin = time.monotonic()
        for done in itertools.count():
            if done >= args.least_rounds and time.monotonic() - begin > args.seconds:
                return rounds, clocks
            exclusive.renew()
            if args.roofline:
                clocks.append(clock_ghz(args.roofline))
            for adapter in adapters:
                rounds[adapter.name].append(statistics.median(adapter.round(args.round_seconds, args.least_runs)))


def profile(row: Row, fed: Path | None, skiff: str, args: argparse.Namespace) -> list[dict]:
    """Skiff's layers with the time of each, for the roofline."""
    command = [skiff, "explain", "--json", *skiff_arguments(row, args.models / row.net, fed), "--repeats",
               str(args.profile_runs)]
    with Exclusive(args.exclusive, args.exclusive_seconds):
        answer = subprocess.run(command, env={**os.environ, "SKIFF_ISA": row.isa}, check=True, capture_output=True,
                                text=True)
    return [{key: layer[key] for key in LAYER_FIELDS} for layer in json.loads(answer.stdout)["layers"]]


def measure(row: Row, fed: Path | None, machine: dict, programs: Programs, args: argparse.Namespace) -> dict:
    chosen = contestants(row, args.models / row.net, programs, machine["supported_isas"][-1], fed)
    with Exclusive(args.exclusive, args.exclusive_seconds):  # loading would disturb what others time
        adapters = start(chosen)
    try:
        rounds, clocks = time_rounds(adapters, args)
        readies = {adapter.name: adapter.ready for adapter in adapters}
    finally:
        close(adapters)
    profiles = {name: profile(row, fed, skiff, args) for name, skiff in programs.skiffs.items()}
    return {**results.record(row, machine, [c for c in chosen if c.name in rounds], readies, rounds),
            "clocks": clocks, "profiles": profiles}


def print_record(found: dict):
    print(f"{found['net']} {found['precision']} {found['isa']}, batch {found['batch']}, {found['threads']} thread(s),"
          f" {len(found['contestants'][0]['rounds'])} rounds")
    ours = results.skiffs(found)[0]
    for contestant in sorted(found["contestants"], key=results.median):
        print(f"  {contestant['name']:<28} {results.median(contestant):9.3f} ms  +-{100 * results.spread(contestant):4.1f} %"
              f"  {results.ratio(contestant, ours):6.3f}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--venvs", type=Path, help="without it Skiff runs alone")
    parser.add_argument("--skiff", action="append", required=True, metavar="[NAME=]PATH")
    parser.add_argument("--results", type=Path, required=True)
    rows = parser.add_argument_group("rows, each a list separated by commas")
    rows.add_argument("--nets", help="all that are there, if absent")
    rows.add_argument("--precision", default="int8,fp32")
    rows.add_argument("--batch", default="1")
    rows.add_argument("--threads", default="1")
    rows.add_argument("--isa", help="all rungs of this CPU but scalar, if absent")
    timing = parser.add_argument_group("timing")
    timing.add_argument("--seconds", type=float, default=30, help="for all rounds of a row")
    timing.add_argument("--round_seconds", type=float, default=0.25, help="for one contestant's turn")
    timing.add_argument("--least_runs", type=int, default=3, help="in one turn")
    timing.add_argument("--least_rounds", type=int, default=5)
    timing.add_argument("--profile_runs", type=int, default=10, help="for the times of layers")
    timing.add_argument("--roofline", help="the program of that name; the clock is noted in every round")
    timing.add_argument("--exclusive", default="", metavar="CMD", help="a wrapper that keeps the machine free while it runs")
    timing.add_argument("--exclusive_seconds", type=float, default=40, help="until others are let in between two rounds")
    return parser.parse_args()


def main():
    args = parse_arguments()
    # Adapters wait stopped: they would not see that we are gone, and stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: told to end"))
    programs = Programs(named_programs(args.skiff), args.venvs)
    machine = doctor(next(iter(programs.skiffs.values())))
    isas = args.isa.split(",") if args.isa else [isa for isa in machine["supported_isas"] if isa != "scalar"]
    if unknown := set(isas) - set(ONEDNN_CAPS):
        sys.exit(f"compare: no such rung: {', '.join(sorted(unknown))}")
    nets = args.nets.split(",") if args.nets else sorted(f.name for f in args.models.iterdir() if (f / "float").exists())
    for net, isa, precision, threads, batch in itertools.product(
            nets, isas, args.precision.split(","), args.threads.split(","), args.batch.split(",")):
        row = Row(net, precision, int(batch), int(threads), isa)
        with tempfile.TemporaryDirectory() as folder:
            found = measure(row, inputs.of_batch(args.models / net, row.batch, Path(folder)), machine, programs, args)
        results.append(args.results, found)
        print_record(found)


if __name__ == "__main__":
    main()
