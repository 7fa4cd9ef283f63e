"""Cases of src/ops/pad."""


def build(m):
    x = m.feed("x", m.normal(2, 3, 4, 5))
    v = m.feed("v", m.normal(1, 2, 3, 4, 5))
    last = m.feed("last", m.normal(1, 3, 4, 5, 2))
    m.case("pad", {"X": x}, attrs={"paddings": [0, 1, 2, 0, 1, 1, 0, 3], "pad_value": 0.5}, tolerance=0)
    m.case("pad", {"X": x}, attrs={"paddings": [0] * 8}, tolerance=0)
    for mode in ("constant", "reflect", "replicate", "circular"):
        m.case("pad3d", {"X": v}, tolerance=0,
               attrs={"paddings": [1, 2, 0, 1, 2, 1], "mode": mode, "value": -1.5})
        m.case("pad3d", {"X": last}, tolerance=0,
               attrs={"paddings": [1, 2, 0, 1, 2, 1], "mode": mode, "value": 2.0,
                      "data_format": "NDHWC"})
    ints = m.feed("ints", m.integers(0, 9, 1, 2, 2, 2, 3))
    m.case("pad3d", {"X": ints}, {"Out": "int64"}, {"paddings": [1, 1, 1, 1, 0, 0], "value": 7.0})
