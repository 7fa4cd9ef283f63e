"""Cases of src/ops/elementwise."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(2, 6, 4, 5))
    positive = m.feed("positive", np.exp(m.normal(2, 6, 4, 5)))
    others = {
        "same": ((2, 6, 4, 5), -1), "channel": ((6,), 1), "channel_last_axes": ((6, 1, 1), -1),
        "channel_full": ((1, 6, 1, 1), -1), "squeeze_excite": ((2, 6, 1, 1), -1), "scalar": ((1,), -1),
        "last": ((5,), -1), "middle": ((6, 4), 1), "rows": ((2,), 0), "trailing_one": ((6, 1), 1),
        "both_sides": ((2, 1, 4, 1), -1),
    }
    for name, (shape, axis) in others.items():
        y = m.feed(f"y_{name}", m.normal(*shape))
        m.case("elementwise_add", {"X": x, "Y": y}, attrs={"axis": axis}, note=name, tolerance=0)
        m.case("elementwise_mul", {"X": x, "Y": y}, attrs={"axis": axis}, note=name, tolerance=0)
    y = m.feed("y", m.normal(6))
    c = m.param(m.normal(6), "c")
    for op in ("elementwise_sub", "elementwise_div", "elementwise_max", "elementwise_min",
               "elementwise_mod", "elementwise_floordiv"):
        m.case(op, {"X": x, "Y": y}, attrs={"axis": 1}, tolerance=1e-6)
    m.case("elementwise_sub", {"X": x, "Y": c}, attrs={"axis": 1}, note="constant", tolerance=0)
    m.case("elementwise_pow", {"X": positive, "Y": y}, attrs={"axis": 1}, tolerance=1e-5)
    m.case("elementwise_sub", {"X": y, "Y": x}, attrs={"axis": 1}, note="X smaller", tolerance=0)
    wide = m.feed("wide", m.normal(3, 1, 5))
    tall = m.feed("tall", m.normal(1, 4, 5))
    m.case("elementwise_add", {"X": wide, "Y": tall}, note="two-sided", tolerance=0)
    for dtype in ("int32", "int64"):
        a = m.feed(f"a_{dtype}", m.integers(-20, 20, 3, 7, dtype=dtype))
        b = m.feed(f"b_{dtype}", m.integers(1, 6, 7, dtype=dtype) * np.array([1, -1, 1, -1, 1, 1, -1], dtype))
        for op in ("add", "sub", "mul", "div", "max", "min", "mod", "floordiv"):
            m.case(f"elementwise_{op}", {"X": a, "Y": b}, {"Out": dtype})
    i = m.feed("i", m.integers(0, 3, 3, 7, dtype="int32"))
    j = m.feed("j", m.integers(0, 3, 7, dtype="int32"))
    f = m.feed("f", m.normal(3, 7).round())
    g = m.feed("g", m.normal(3, 7).round())
    for op in ("equal", "not_equal", "less_than", "less_equal", "greater_than", "greater_equal"):
        m.case(op, {"X": i, "Y": j}, {"Out": "bool"})
        m.case(op, {"X": f, "Y": g}, {"Out": "bool"})
    p = m.op("less_than", {"X": f, "Y": g}, {"Out": "bool"})
    q = m.op("less_than", {"X": i, "Y": j}, {"Out": "bool"})
    for op in ("logical_and", "logical_or", "logical_xor"):
        m.case(op, {"X": p, "Y": q}, {"Out": "bool"})
