"""Cases of src/ops/reduce."""


def build(m):
    x = m.feed("x", m.normal(3, 5, 7, 20))
    near_one = m.feed("near_one", 1 + 0.1 * m.normal(3, 4, 5))
    for op in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min"):
        tolerance = 0 if op in ("reduce_max", "reduce_min") else 1e-6
        for attrs in ({}, {"dim": [2, 3], "keep_dim": True}, {"dim": [-1]}, {"dim": [1]},
                      {"dim": [0, 2]}, {"reduce_all": True}, {"dim": [1, 3], "keep_dim": True},
                      {"reduce_all": True, "keep_dim": True}):
            m.case(op, {"X": x}, attrs=attrs, tolerance=tolerance)
    m.case("reduce_prod", {"X": near_one}, attrs={"dim": [1]}, tolerance=1e-6)
    m.case("mean", {"X": x}, tolerance=1e-6)
    i = m.feed("i", m.integers(-9, 9, 3, 4, dtype="int32"))
    j = m.feed("j", m.integers(-9, 9, 3, 4))
    m.case("reduce_sum", {"X": i}, {"Out": "int64"}, {"dim": [1]})
    m.case("reduce_sum", {"X": j}, {"Out": "int64"}, {"dim": [0]})
    m.case("reduce_max", {"X": i}, {"Out": "int32"}, {"dim": [1]})
