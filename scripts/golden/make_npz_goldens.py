#!/usr/bin/env python3
"""Makes tests/golden/npz: small archives as NumPy writes them. Needs numpy.

usage: make_npz_goldens.py
"""
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "npz"


def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    arrays = {"x": (np.arange(24, dtype="float32") / 8).reshape(4, 2, 3),
              "ids/0": np.arange(4, dtype="int64").reshape(4, 1),
              "zeros": np.zeros((4, 100), "float32")}
    np.savez(ROOT / "stored.npz", **arrays)
    np.savez_compressed(ROOT / "deflated.npz", **arrays)
    # For tests/golden/ops/sum, in another order than its inputs.
    ramp = np.arange(24, dtype="float32").reshape(3, 4, 2)
    np.savez(ROOT / "three_inputs.npz", c=ramp, a=-ramp, b=2 * ramp)


if __name__ == "__main__":
    main()
