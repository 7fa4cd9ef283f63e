#!/usr/bin/env python3
"""Samples for a network of ERNIE's four inputs, as make_models.py --samples takes them.

usage: make_ernie_samples.py [--count 4] [--length 128] [--vocabulary 18000] OUT

Writes ids, sent and pos.npy (int64 [COUNT, LENGTH]) and mask.npy (float32 [COUNT, LENGTH, 1], ones). Speed does not depend
on the values, so that the ids are random.
"""

import argparse
from pathlib import Path

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--length", type=int, default=128, help="tokens of a sample")
    parser.add_argument("--vocabulary", type=int, default=18000)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    shape = (args.count, args.length)
    arrays = {"ids": np.random.RandomState(1).randint(0, args.vocabulary, shape), "sent": np.zeros(shape),
              "pos": np.tile(np.arange(args.length), (args.count, 1))}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(args.out / f"{name}.npy", array.astype("int64"))
    np.save(args.out / "mask.npy", np.ones((*shape, 1), "float32"))


if __name__ == "__main__":
    main()
