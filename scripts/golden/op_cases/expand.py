"""Cases of src/ops/expand."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(2, 1, 3, 1))
    y = m.feed("y", m.normal(3, 4))
    for shape in ([2, 4, 3, 5], [-1, 3, -1, 2], [2, 2, 1, 3, 4]):
        m.case("expand_v2", {"X": x}, attrs={"shape": shape}, tolerance=0)
    shape = m.param(np.array([2, 4, 3, 2], "int32"), "shape")
    m.case("expand_v2", {"X": x, "Shape": shape}, attrs={"shape": [-1, -1, -1, -1]}, note="Shape",
           tolerance=0)
    m.case("expand_as_v2", {"X": x}, attrs={"target_shape": [2, 5, 3, 2]}, tolerance=0)
    for times in ([2, 3], [1, 2], [3], [2, 1, 2]):
        m.case("tile", {"X": y}, attrs={"repeat_times": times}, tolerance=0)
    m.case("expand", {"X": y}, attrs={"expand_times": [3, 2]}, tolerance=0)
