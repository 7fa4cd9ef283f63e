"""What the adapters of all peers share: they load a model, then time rounds of runs as long as they are asked to.

On start an adapter writes one line of JSON, {"load_ms": ..., "first_ms": ..., "version": ...}. Then, for each line
"SECONDS LEAST" on standard input, it runs the model for SECONDS and at least LEAST times, and answers
{"ms": [...]}, the milliseconds of every run in order. A run is from resident inputs, one float NCHW
picture or the arrays of --inputs, to a float output that has been read. The end of the input ends it.
`skiff bench --serve` speaks the same.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="file, or folder for Paddle")
    parser.add_argument("--precision", choices=("fp32", "int8", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="of pictures")
    parser.add_argument("--inputs", type=Path, help="folder of NAME.npy for each input, with the batch in them")
    return parser.parse_args()


def pictures(batch: int) -> np.ndarray:
    """What the reference networks are fed."""
    return np.random.RandomState(1).uniform(-2, 2, (batch, 3, 224, 224)).astype("float32")


def feed(args: argparse.Namespace, names: list[str]) -> dict[str, np.ndarray]:
    """An array for each of a model's inputs."""
    if args.inputs:
        return {name: np.load(args.inputs / f"{name}.npy") for name in names}
    if len(names) != 1:
        sys.exit(f"{args.model} has {len(names)} inputs: they need --inputs")
    return {names[0]: pictures(args.batch)}


def serve(load, version: str):
    """`load` returns a function without arguments that runs the model and returns its output as an array."""
    # Libraries print on standard output; the protocol has it for itself.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start = time.perf_counter()
    run = load()
    loaded = time.perf_counter()
    output = run()
    first = time.perf_counter()
    if not np.isfinite(output).all():
        sys.exit("the output is not finite")

    def answer(**fields):
        print(json.dumps(fields), file=answers, flush=True)

    answer(load_ms=1e3 * (loaded - start), first_ms=1e3 * (first - loaded), version=version)
    for line in sys.stdin:
        seconds, least = line.split()
        ms, begin = [], time.perf_counter()
        while len(ms) < int(least) or time.perf_counter() - begin < float(seconds):
            before = time.perf_counter()
            run().sum()
            ms.append(1e3 * (time.perf_counter() - before))
        answer(ms=ms)
