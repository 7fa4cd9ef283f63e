"""Cases of src/ops/layer_norm."""


def build(m):
    x = m.feed("x", m.normal(2, 5, 48, scale=3))
    y = m.feed("y", m.normal(2, 3, 4, 5))
    outputs = {"Y": "float32", "Mean": "float32", "Variance": "float32"}
    for source, axis, n in ((x, 2, 48), (x, 1, 240), (y, 1, 60), (y, 3, 5)):
        scale = m.param(m.normal(n))
        bias = m.param(m.normal(n))
        attrs = {"begin_norm_axis": axis, "epsilon": 1e-5}
        m.case("layer_norm", {"X": source, "Scale": scale, "Bias": bias}, outputs, attrs,
               tolerance=1e-5)
        m.case("layer_norm", {"X": source}, outputs, attrs, "plain", 1e-5, ["Y"])
    bias = m.param(m.normal(48))
    m.case("layer_norm", {"X": x, "Bias": bias}, outputs, {"begin_norm_axis": 2, "epsilon": 1e-3},
           "bias alone", 1e-5, ["Y"])
