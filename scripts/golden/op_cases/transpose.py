"""Cases of src/ops/transpose."""


def build(m):
    x = m.feed("x", m.normal(2, 3, 4, 5))
    five = m.feed("five", m.normal(2, 3, 2, 4, 3))
    wide = m.feed("wide", m.normal(19, 37))
    ints = m.feed("ints", m.integers(0, 99, 3, 4, 2))
    out = lambda dtype="float32": {"Out": dtype, "XShape": dtype}
    for axis in ([0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [1, 0, 2, 3], [0, 1, 2, 3]):
        m.case("transpose2", {"X": x}, out(), {"axis": axis}, "", 0, ["Out"])
    m.case("transpose2", {"X": five}, out(), {"axis": [2, 0, 3, 1, 4]}, "", 0, ["Out"])
    m.case("transpose2", {"X": wide}, out(), {"axis": [1, 0]}, "", 0, ["Out"])
    m.case("transpose2", {"X": ints}, out("int64"), {"axis": [2, 0, 1]}, "", 0, ["Out"])
