"""Cases of src/ops/arg_max."""
import numpy as np


def build(m):
    x = m.feed("x", np.round(m.normal(3, 4, 5) * 2))
    for op in ("arg_max", "arg_min"):
        for attrs in ({"axis": -1}, {"axis": 1}, {"axis": 0, "keepdims": True},
                      {"axis": 0, "flatten": True}):
            m.case(op, {"X": x}, {"Out": "int64"}, attrs)
        m.case(op, {"X": x}, {"Out": "int32"}, {"axis": 1, "dtype": 2})
