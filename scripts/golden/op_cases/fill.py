"""Cases of src/ops/fill."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(3, 2, 4), dims=[-1, 2, 4])
    for dtype, number in (("float32", 5), ("int32", 2), ("int64", 3), ("bool", 0)):
        m.case("fill_constant", {}, {"Out": dtype}, {"shape": [2, 3], "dtype": number, "value": 1.0},
               tolerance=0)
        m.case("fill_any_like", {"X": x}, {"Out": dtype}, {"dtype": number, "value": 1.0}, tolerance=0)
    for text in ("inf", "-inf", "nan", "0.1"):
        m.case("fill_constant", {}, {"Out": "float32"},
               {"shape": [2], "dtype": 5, "value": 3.0, "str_value": text}, tolerance=0)
    m.case("fill_constant", {}, {"Out": "int64"},
           {"shape": [2], "dtype": 3, "value": 3.0, "str_value": "9007199254740993"})
    shape = m.param(np.array([2, 2], "int32"), "shape")
    two = m.param(np.array([2], "int32"), "two")
    extents = m.op("shape", {"Input": x}, {"Out": "int32"})
    batch = m.op("slice", {"Input": extents}, {"Out": "int32"},
                 {"axes": [0], "starts": [0], "ends": [1], "decrease_axis": [0]})
    m.case("fill_constant", {"ShapeTensor": shape}, attrs={"shape": [1], "dtype": 5, "value": 2.0},
           note="ShapeTensor", tolerance=0)
    m.case("fill_constant", {"ShapeTensorList": [batch, two]}, note="ShapeTensorList", tolerance=0,
           attrs={"shape": [-1, 2], "dtype": 5, "value": 2.0})
    m.case("fill_constant_batch_size_like", {"Input": x}, tolerance=0,
           attrs={"shape": [1, -1, 5], "dtype": 5, "value": 2.0, "input_dim_idx": 0,
                  "output_dim_idx": 1})
    m.case("fill_zeros_like", {"X": x}, tolerance=0)
    m.case("assign_value", {}, {"Out": "float32"},
           {"shape": [2, 2], "dtype": 5, "fp32_values": [1.0, 2.5, -3.0, 0.0]}, tolerance=0)
    m.case("assign_value", {}, {"Out": "int64"},
           {"shape": [3], "dtype": 3, "int64_values": [1, -2, 3]})
