"""Cases of src/ops/activation."""
import numpy as np


def build(m):
    x = m.feed("x", np.concatenate([
        np.linspace(-9, 9, 73), [0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 25, -25, 88, -88]
    ]).astype("float32").reshape(4, 21))
    positive = m.feed("positive", np.exp(np.linspace(-9, 9, 64)).astype("float32").reshape(4, 16))
    plain = ["relu", "relu6", "sigmoid", "logsigmoid", "hard_swish", "swish", "silu", "tanh",
             "mish", "softsign", "erf", "square", "reciprocal", "abs", "sign", "floor", "ceil",
             "round"]
    for op in plain:
        m.case(op, {"X": x}, tolerance=1e-6)
    for op in ("log", "sqrt", "rsqrt"):
        m.case(op, {"X": positive}, tolerance=1e-6)
    small = m.feed("small", np.linspace(-20, 20, 41).astype("float32"))
    m.case("exp", {"X": small}, tolerance=1e-6)
    for op, attrs in [
            ("leaky_relu", {}), ("leaky_relu", {"alpha": 0.3}), ("elu", {}), ("elu", {"alpha": 0.7}),
            ("hard_sigmoid", {}), ("hard_sigmoid", {"slope": 1 / 6, "offset": 0.4}),
            ("gelu", {}), ("gelu", {"approximate": True}), ("softplus", {}),
            ("softplus", {"beta": 2.0, "threshold": 5.0}), ("brelu", {"t_min": -1.0, "t_max": 3.0}),
            ("thresholded_relu", {"threshold": 0.5}), ("hard_shrink", {"threshold": 0.7}),
            ("softshrink", {"lambda": 0.7}), ("clip", {"min": -2.0, "max": 1.5}),
            ("swish", {"beta": 2.0})]:
        m.case(op, {"X": x}, attrs=attrs, tolerance=1e-6)
    m.case("pow", {"X": positive}, attrs={"factor": 1.7}, tolerance=1e-6)
    m.case("pow", {"X": x}, attrs={"factor": 2.0}, tolerance=1e-6)
    low = m.param(np.array([-1], "float32"), "low")
    high = m.param(np.array([2], "float32"), "high")
    m.case("clip", {"X": x, "Min": low, "Max": high}, attrs={"min": -9.0, "max": 9.0},
           note="tensors win", tolerance=0)
    factor = m.param(np.array([3], "float32"), "factor")
    m.case("pow", {"X": x, "FactorTensor": factor}, attrs={"factor": 1.0}, note="tensor wins",
           tolerance=1e-6)
