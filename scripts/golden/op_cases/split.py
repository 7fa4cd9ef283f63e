"""Cases of src/ops/split."""


def build(m):
    x = m.feed("x", m.normal(2, 6, 4, 5))
    f = "float32"
    m.case("split", {"X": x}, {"Out": [f] * 3}, {"axis": 1, "num": 3}, tolerance=0)
    m.case("split", {"X": x}, {"Out": [f] * 2}, {"axis": 2, "num": 2}, tolerance=0)
    m.case("split", {"X": x}, {"Out": [f] * 3}, {"axis": 1, "sections": [1, 3, 2]}, tolerance=0)
    m.case("split", {"X": x}, {"Out": [f] * 3}, {"axis": 3, "sections": [1, -1, 2]}, tolerance=0)
    for axis, num in ((0, 2), (-2, 4)):
        m.case("unstack", {"X": x}, {"Y": [f] * num}, {"axis": axis, "num": num}, tolerance=0)
