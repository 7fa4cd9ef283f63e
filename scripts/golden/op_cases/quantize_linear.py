"""Cases of src/ops/quantize_linear: everything equal, to the bit."""
import numpy as np


def build(m):
    k = np.arange(-130, 130)
    ties = ((k + 0.5) * 12.7 / 127).astype("float32")
    x = m.feed("ties", np.concatenate([ties, np.nextafter(ties, np.float32(9e9)),
                                       np.nextafter(ties, np.float32(-9e9))]))
    noise = m.feed("noise", m.normal(4, 3, 2, 5, scale=3))
    zero = {n: m.param(np.zeros(n, "int32"), f"zero{n}") for n in (1, 3, 4)}
    scale = m.param(np.array([12.7], "float32"), "scale")
    scales = {n: m.param(np.abs(m.normal(n)) + 0.2, f"scales{n}") for n in (3, 4)}
    for attrs in ({}, {"round_type": 0}, {"round_type": 1}, {"bit_length": 4}):
        m.case("quantize_linear", {"X": x, "Scale": scale, "ZeroPoint": zero[1]}, {"Y": "float32"},
               {"quant_axis": -1, "bit_length": 8, **attrs}, tolerance=0)
    for axis, n in ((0, 4), (1, 3)):
        for round_type in (0, 1):
            codes = m.case("quantize_linear", {"X": noise, "Scale": scales[n], "ZeroPoint": zero[n]},
                           {"Y": "float32"},
                           {"quant_axis": axis, "bit_length": 8, "round_type": round_type}, tolerance=0)
        m.case("dequantize_linear", {"X": codes, "Scale": scales[n], "ZeroPoint": zero[n]},
               {"Y": "float32"}, {"quant_axis": axis, "bit_length": 8}, tolerance=0)
    codes = m.feed("codes", m.integers(-128, 128, 4, 3, 2, 5).astype("float32"))
    m.case("dequantize_linear", {"X": codes, "Scale": scale, "ZeroPoint": zero[1]}, {"Y": "float32"},
           {"quant_axis": -1, "bit_length": 8}, tolerance=0)
    weights = m.param(m.integers(-127, 128, 4, 3, 2, 5, dtype="int8"), "weights")
    for axis, n in ((0, 4), (1, 3)):
        m.case("dequantize_linear", {"X": weights, "Scale": scales[n], "ZeroPoint": zero[n]},
               {"Y": "float32"}, {"quant_axis": axis, "bit_length": 8}, "int8 weights", 0)
    for op in ("quantize_linear", "dequantize_linear"):
        m.case(op, {"X": noise, "Scale": scale, "ZeroPoint": zero[1]}, {"Y": "float32"},
               {"quant_axis": -1, "bit_length": 8, "only_observer": True}, tolerance=0)
