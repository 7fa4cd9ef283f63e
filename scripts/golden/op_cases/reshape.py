"""Cases of src/ops/reshape."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(2, 3, 4, 5))
    ones = m.feed("ones", m.normal(1, 3, 1, 5, 1))
    two = lambda: {"Out": "float32", "XShape": "float32"}

    def case(op, inputs, attrs, note=""):
        m.case(op, inputs, two() if op.endswith("2") else None, attrs, note, 0, ["Out"])

    for shape in ([6, 20], [0, -1], [0, 0, 20], [-1], [1, 2, 3, 4, 5], [0, 12, -1]):
        case("reshape2", {"X": x}, {"shape": shape})
    case("reshape", {"X": x}, {"shape": [0, -1, 5]})
    shape = m.param(np.array([4, -1], "int32"), "shape")
    case("reshape2", {"X": x, "Shape": shape}, {"shape": [120]}, "constant Shape")
    extents = m.op("shape", {"Input": x}, {"Out": "int32"})
    batch = m.op("slice", {"Input": extents}, {"Out": "int32"},
                 {"axes": [0], "starts": [0], "ends": [1], "decrease_axis": [0]})
    rest = m.op("fill_constant", {}, {"Out": "int32"}, {"shape": [1], "dtype": 2, "value": -1.0})
    case("reshape2", {"X": x, "ShapeTensor": [batch, rest]}, {"shape": [-1, 60]}, "ShapeTensor")
    head = m.op("slice", {"Input": extents}, {"Out": "int32"}, {"axes": [0], "starts": [0], "ends": [2]})
    joined = m.op("concat", {"X": [head, rest]}, {"Out": "int32"}, {"axis": 0})
    case("reshape2", {"X": x, "Shape": joined}, {"shape": [120]}, "computed Shape")
    # Arithmetic on extents, in the ways that exporters write it.
    first = m.op("slice", {"Input": extents}, {"Out": "int32"}, {"axes": [0], "starts": [0], "ends": [1]})
    tripled = m.op("scale", {"X": first}, {"Out": "int32"}, {"scale": 3.0, "bias": 0.0})
    wide = m.op("cast", {"X": tripled}, {"Out": "int64"}, {"in_dtype": 2, "out_dtype": 3})
    two_more = m.op("fill_constant", {}, {"Out": "int64"}, {"shape": [1], "dtype": 3, "value": 2.0})
    four = m.op("elementwise_sub", {"X": wide, "Y": two_more}, {"Out": "int64"})
    index = m.param(np.array([3], "int32"), "index")
    five = m.op("gather", {"X": extents, "Index": index}, {"Out": "int32"})
    five = m.op("cast", {"X": five}, {"Out": "int64"}, {"in_dtype": 2, "out_dtype": 3})
    six = m.op("assign_value", {}, {"Out": "int64"}, {"shape": [1], "dtype": 3, "int64_values": [6]})
    computed = m.op("concat", {"X": [four, five, six]}, {"Out": "int64"}, {"axis": 0})
    computed = m.op("cast", {"X": computed}, {"Out": "int32"}, {"in_dtype": 3, "out_dtype": 2})
    case("reshape2", {"X": x, "Shape": computed}, {"shape": [120]}, "arithmetic")
    scalars = [m.op("squeeze2", {"X": v}, {"Out": "int64", "XShape": "int64"}, {"axes": [0]})["Out"]
               for v in (six, five, four)]
    stacked = m.op("stack", {"X": scalars}, {"Y": "int64"}, {"axis": 0})
    stacked = m.op("cast", {"X": stacked}, {"Out": "int32"}, {"in_dtype": 3, "out_dtype": 2})
    case("reshape2", {"X": x, "Shape": stacked}, {"shape": [120]}, "stacked")
    for axis in (0, 1, 2, 3):
        case("flatten2", {"X": x}, {"axis": axis})
    for start, stop in ((1, -1), (0, -1), (1, 2), (-2, -1), (2, 2)):
        m.case("flatten_contiguous_range", {"X": x}, two(),
               {"start_axis": start, "stop_axis": stop}, "", 0, ["Out"])
    for axes in ([0], [], [2, -1], [0, 1]):
        case("squeeze2", {"X": ones}, {"axes": axes})
    for axes in ([0], [1, 1], [-1], [0, -1], [2, 0]):
        case("unsqueeze2", {"X": x}, {"axes": axes})
    axes = m.param(np.array([2], "int32"), "axes")
    case("unsqueeze2", {"X": x, "AxesTensor": axes}, {"axes": []}, "AxesTensor")
