#!/usr/bin/env python3
"""Skiff layer by layer: time, share of the roofline, oneDNN on the same shape, another build of Skiff.

usage: layers.py --model_dir DIR --skiff [NAME=]PATH [--skiff ...] --roofline PATH --machine FILE [--onednn PATH]

Each round profiles every build of Skiff and runs oneDNN's convolutions (the program onednn_layers), in turn; a figure
is the median over rounds. oneDNN's times are of a layer alone, hot in cache, u8 NHWC in and out, with a fused relu:
residuals, quantising the input and cold weights cost it nothing. The roofline is the machine's at the clock of these rounds.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

from contestants import MEMORY_MIB, ONEDNN_CAPS, named_programs
from exclusive import Exclusive
from roofline import CONVOLUTIONS, Machine, layer_ms, weight_bytes


@dataclass(frozen=True)
class Convolution:
    """As onednn_layers reads it."""
    batch: int
    groups: int
    in_channels: int
    height: int
    width: int
    out_channels: int
    out_height: int
    out_width: int
    kernel: int
    stride: int
    pad: int


def convolution(layer: dict) -> Convolution | None:
    """What a layer convolves, by its extents and multiply-adds; None where that is no square kernel, or something is fused."""
    if layer["op"] not in CONVOLUTIONS or len(layer["input_shape"]) != 4:
        return None
    batch, in_channels, height, width = layer["input_shape"]
    _, out_channels, out_height, out_width = layer["output_shape"]
    each = layer["multiply_adds"] // math.prod(layer["output_shape"])
    groups = 1 if each >= in_channels else in_channels
    kernel = math.isqrt(each * groups // in_channels)
    stride = max(1, round(height / out_height))
    if kernel * kernel * in_channels != each * groups or kernel == 0:
        return None
    pad = max((out_height - 1) * stride + kernel - height, 0) // 2
    return Convolution(batch, groups, in_channels, height, width, out_channels, out_height, out_width, kernel, stride, pad)


def shape_text(layer: dict) -> str:
    found = convolution(layer)
    if found is None:
        return "x".join(map(str, layer["output_shape"]))
    depthwise = ", depthwise" if found.groups > 1 else ""
    return (f"{found.height}x{found.width} {found.in_channels} -> {found.out_channels}, {found.kernel}x{found.kernel}"
            f"{f'/{found.stride}' if found.stride > 1 else ''}{depthwise}")


def profile(skiff: str, args: argparse.Namespace) -> list[dict]:
    command = [skiff, "explain", "--json", "--model_dir", str(args.model_dir), "--precision", args.precision, "--threads",
               str(args.threads), "--batch_size", str(args.batch), "--memory_limit", MEMORY_MIB, "--repeats", str(args.repeats)]
    answer = subprocess.run(command, env={**os.environ, "SKIFF_ISA": args.isa}, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["layers"]


def time_onednn(layers: list[dict], args: argparse.Namespace) -> list[float | None]:
    """Milliseconds of each layer; equal convolutions are timed once."""
    found = [convolution(layer) for layer in layers]
    distinct = list(dict.fromkeys(c for c in found if c))
    lines = "".join(" ".join(map(str, astuple(c))) + "\n" for c in distinct)
    environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads), "ONEDNN_MAX_CPU_ISA": ONEDNN_CAPS[args.isa]}
    answer = subprocess.run([args.onednn, args.precision], input=lines, env=environment, check=True,
                            capture_output=True, text=True)
    ms = dict(zip(distinct, map(float, answer.stdout.split()), strict=True))
    return [ms[c] if c else None for c in found]


def medians(rounds: list[list]) -> list:
    return [statistics.median(column) if column[0] is not None else None for column in zip(*rounds, strict=True)]


def cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def share(limit: float, ms: float) -> str:
    return f"{100 * limit / ms:.0f} %" if ms > 0 else "-"


def table(layers: list[dict], ms: dict[str, list[float]], onednn: list | None, limits: list[float]) -> str:
    """`ms` and `onednn` by layer, `ms` for every build: ratios are to the first, and of the others' same layers."""
    names, ours = list(ms), next(iter(ms.values()))
    head = ["#", "operator", "shape", "kernel", *(f"{name}, ms" for name in names), *(f"{n} / {names[0]}" for n in names[1:]),
            "roofline", "share", *(["oneDNN, ms", "oneDNN / Skiff"] if onednn else [])]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for i, layer in enumerate(layers):
        cells = [str(i), layer["op"], shape_text(layer), layer["kernel"], *(cell(ms[name][i]) for name in names)]
        cells += [f"{ms[name][i] / ours[i]:.2f}" if ours[i] else "-" for name in names[1:]]
        cells += [cell(limits[i]), share(limits[i], ours[i])]
        if onednn:
            cells += [cell(onednn[i]), f"{onednn[i] / ours[i]:.2f}" if onednn[i] and ours[i] else "-"]
        lines.append(f"| {' | '.join(cells)} |")
    total = ["", "all", "", "", *(cell(sum(ms[name])) for name in names)]
    total += [f"{sum(ms[name]) / sum(ours):.2f}" for name in names[1:]] + [cell(sum(limits)), share(sum(limits), sum(ours))]
    if onednn:
        both = [(o, s) for o, s in zip(onednn, ours) if o is not None]
        known, same = sum(o for o, _ in both), sum(s for _, s in both)
        total += [cell(known), f"{known / same:.2f}" if same else "-"]
    return "\n".join([*lines, f"| {' | '.join(total)} |"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model_dir", type=Path, required=True)
    parser.add_argument("--skiff", action="append", required=True, metavar="[NAME=]PATH")
    parser.add_argument("--roofline", required=True, help="the program of that name")
    parser.add_argument("--machine", type=Path, required=True, help="what it wrote")
    parser.add_argument("--onednn", help="the program onednn_layers")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--isa", default="avx2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10, help="runs of the model in one round")
    parser.add_argument("--exclusive", default="", metavar="CMD", help="a wrapper that keeps the machine free while it runs")
    args = parser.parse_args()
    skiffs = named_programs(args.skiff)
    layers = {name: profile(path, args) for name, path in skiffs.items()}
    first = next(iter(layers.values()))
    if len({tuple(layer["name"] for layer in found) for found in layers.values()}) > 1:
        sys.exit("layers: the builds cut the network into different layers; show them one at a time")
    rounds, onednn, clocks = {name: [] for name in skiffs}, [], []
    for _ in range(args.rounds):
        with Exclusive(args.exclusive, 60):
            clocks.append(float(subprocess.run([args.roofline, "--clock"], check=True, capture_output=True).stdout))
            for name, path in skiffs.items():
                rounds[name].append([layer["ms"] for layer in profile(path, args)])
            if args.onednn:
                onednn.append(time_onednn(first, args))
    machine = Machine.from_json(json.loads(args.machine.read_text()), statistics.median(clocks))
    total = sum(weight_bytes(layer) for layer in first)
    limits = [layer_ms(machine, args.isa, layer, total, args.threads) for layer in first]
    print(f"{args.model_dir}, {args.precision}, {args.isa}, {args.threads} thread(s), batch {args.batch},"
          f" {statistics.median(clocks):.2f} GHz\n")
    print(table(first, {name: medians(found) for name, found in rounds.items()}, medians(onednn) if onednn else None, limits))


if __name__ == "__main__":
    main()
