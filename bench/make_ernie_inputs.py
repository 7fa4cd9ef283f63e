#!/usr/bin/env python3
"""Samples of a network of ERNIE's inputs, for make_models.py --inputs.

usage: VENVS/peers/bin/python make_ernie_inputs.py [--samples 4] [--length 128] OUT

Writes ids, sent and pos (int64 [SAMPLES, LENGTH]) and mask (float32 [SAMPLES, LENGTH, 1]) as OUT/NAME.npy. Speed does
not depend on the values: ids are random, no sentence is padded. For accuracy, give real ones.
"""

import argparse
from pathlib import Path

import numpy as np

VOCABULARY = 18000


def ernie_inputs(samples: int, length: int) -> dict[str, np.ndarray]:
    shape = (samples, length)
    return {"ids": np.random.RandomState(0).randint(0, VOCABULARY, shape).astype("int64"),
            "sent": np.zeros(shape, "int64"),
            "pos": np.tile(np.arange(length, dtype="int64"), (samples, 1)),
            "mask": np.ones((*shape, 1), "float32")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--length", type=int, default=128, help="tokens of a sample")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, array in ernie_inputs(args.samples, args.length).items():
        np.save(args.out / f"{name}.npy", array)


if __name__ == "__main__":
    main()
