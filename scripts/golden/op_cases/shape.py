"""Cases of src/ops/shape."""


def build(m):
    m.case("shape", {"Input": m.feed("x", m.normal(3, 2, 4), dims=[-1, 2, -1])}, {"Out": "int32"})
    m.case("shape", {"Input": m.feed("i", m.integers(0, 9, 5))}, {"Out": "int32"})
