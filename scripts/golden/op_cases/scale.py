"""Cases of src/ops/scale."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(3, 7))
    i = m.feed("i", m.integers(-9, 9, 3, 7, dtype="int32"))
    j = m.feed("j", m.integers(-9, 9, 3, 7))
    for attrs in ({}, {"scale": 2.5, "bias": -0.3},
                  {"scale": 2.5, "bias": -0.3, "bias_after_scale": False}):
        m.case("scale", {"X": x}, attrs=attrs, tolerance=1e-6)
        m.case("scale", {"X": i}, {"Out": "int32"}, attrs)
        m.case("scale", {"X": j}, {"Out": "int64"}, attrs)
    m.case("scale", {"X": j}, {"Out": "int64"}, {"scale": -3.0, "bias": 4.0})
    s = m.param(np.array([1.5], "float32"), "s")
    m.case("scale", {"X": x, "ScaleTensor": s}, attrs={"scale": 9.0, "bias": 1.0},
           note="ScaleTensor", tolerance=1e-6)
