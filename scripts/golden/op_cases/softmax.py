"""Cases of src/ops/softmax."""


def build(m):
    x = m.feed("x", m.normal(2, 5, 3, 17, scale=4))
    rows = m.feed("rows", m.normal(3, 100, scale=6))
    wide = m.feed("wide", m.normal(2, 4, 300, scale=3))
    for op in ("softmax", "log_softmax"):
        for axis in (-1, 0, 1, 2, 3, -2):
            m.case(op, {"X": x}, attrs={"axis": axis}, tolerance=1e-6)
        m.case(op, {"X": rows}, attrs={}, tolerance=1e-6)
        m.case(op, {"X": wide}, attrs={"axis": 1}, tolerance=1e-6)
