"""Cases of src/ops/prelu."""


def build(m):
    x = m.feed("x", m.normal(2, 3, 4, 5))
    last = m.feed("last", m.normal(2, 4, 5, 3))
    one = m.param(m.normal(1), "one")
    three = m.param(m.normal(3), "three")
    each = m.param(m.normal(1, 3, 4, 5), "each")
    m.case("prelu", {"X": x, "Alpha": one}, attrs={"mode": "all"}, tolerance=0)
    m.case("prelu", {"X": x, "Alpha": three}, attrs={"mode": "channel"}, tolerance=0)
    m.case("prelu", {"X": last, "Alpha": three}, tolerance=0,
           attrs={"mode": "channel", "data_format": "NHWC"})
    m.case("prelu", {"X": x, "Alpha": each}, attrs={"mode": "element"}, tolerance=0)
