"""Cases of src/ops/pixel_shuffle."""


def build(m):
    x = m.feed("x", m.normal(2, 12, 3, 4))
    m.case("pixel_shuffle", {"X": x}, attrs={"upscale_factor": 2}, tolerance=0)
    m.case("shuffle_channel", {"X": x}, attrs={"group": 3}, tolerance=0)
    m.case("shuffle_channel", {"X": x}, attrs={"group": 1}, tolerance=0)
