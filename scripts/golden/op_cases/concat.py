"""Cases of src/ops/concat."""
import numpy as np


def build(m):
    a = m.feed("a", m.normal(2, 3, 4, 5))
    b = m.feed("b", m.normal(2, 2, 4, 5))
    c = m.feed("c", m.normal(2, 3, 4, 2))
    d = m.feed("d", m.normal(2, 3, 4, 5))
    i = m.feed("i", m.integers(0, 99, 3, 2))
    m.case("concat", {"X": [a, b]}, attrs={"axis": 1}, tolerance=0)
    m.case("concat", {"X": [a, c, d]}, attrs={"axis": -1}, tolerance=0)
    m.case("concat", {"X": [a, d]}, attrs={"axis": 0}, tolerance=0)
    m.case("concat", {"X": [a, d, a]}, attrs={"axis": 2}, tolerance=0)
    m.case("concat", {"X": [a]}, attrs={"axis": 2}, tolerance=0)
    m.case("concat", {"X": [i, i]}, {"Out": "int64"}, {"axis": 1})
    axis = m.param(np.array([1], "int32"), "axis")
    m.case("concat", {"X": [a, b], "AxisTensor": axis}, attrs={"axis": 0}, note="AxisTensor",
           tolerance=0)
    for axis in (0, 1, 2, -1):
        m.case("stack", {"X": [a, d]}, {"Y": "float32"}, {"axis": axis}, tolerance=0)
