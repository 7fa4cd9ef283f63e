"""Cases of src/ops/slice."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(3, 4, 6, 5))

    def case(axes, starts, ends, **attrs):
        m.case("slice", {"Input": x}, attrs={"axes": axes, "starts": starts, "ends": ends, **attrs},
               tolerance=0)

    case([2], [1], [4])
    case([0, 3], [-2, 1], [2147483647, -1])
    case([1, 2], [0, -100], [100, 3])
    case([1], [2], [3], decrease_axis=[1])
    case([0, 2], [0, 5], [1, 6], decrease_axis=[0, 2])
    one = m.param(np.array([1], "int32"), "one")
    five = m.param(np.array([5], "int32"), "five")
    m.case("slice", {"Input": x, "StartsTensor": one, "EndsTensor": five},
           attrs={"axes": [2], "starts": [0], "ends": [1], "infer_flags": [-1]}, note="tensors",
           tolerance=0)
    m.case("slice", {"Input": x, "StartsTensorList": [one], "EndsTensorList": [five]},
           attrs={"axes": [2], "starts": [-1], "ends": [-1], "infer_flags": [-1]}, note="lists",
           tolerance=0)
    extents = m.op("shape", {"Input": x}, {"Out": "int32"})
    m.case("slice", {"Input": extents}, {"Out": "int32"},
           {"axes": [0], "starts": [1], "ends": [3]}, "shape")
    m.case("slice", {"Input": extents}, {"Out": "int32"},
           {"axes": [0], "starts": [2], "ends": [3], "decrease_axis": [0]}, "shape")

    def strided(axes, starts, ends, strides, **attrs):
        m.case("strided_slice", {"Input": x}, tolerance=0,
               attrs={"axes": axes, "starts": starts, "ends": ends, "strides": strides,
                      "infer_flags": [1] * len(axes), **attrs})

    strided([2], [0], [6], [2])
    strided([2, 3], [1, 0], [100, 5], [3, 2])
    strided([2], [-1], [0], [-1])
    strided([2], [5], [-100], [-2])
    strided([1, 2], [3, 4], [1, 0], [-1, -3])
    strided([0], [1], [2], [1], decrease_axis=[0])
