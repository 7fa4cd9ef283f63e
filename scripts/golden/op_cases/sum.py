"""Cases of src/ops/sum."""


def build(m):
    a, b, c = (m.feed(n, m.normal(3, 4, 2)) for n in "abc")
    m.case("sum", {"X": [a, b, c]}, tolerance=1e-6)
    m.case("sum", {"X": [a, b]}, tolerance=0)
    m.case("sum", {"X": [a]}, tolerance=0)
