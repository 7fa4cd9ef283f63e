"""Cases of src/ops/fake_quantize: everything equal, to the bit."""
import numpy as np


def ties(scale):
    """Values on, right below and right above the ties of a grid, and past its ends."""
    k = np.arange(-130, 130)
    t = ((k + 0.5) * float(scale) / 127).astype("float32")
    return np.concatenate([t, np.nextafter(t, np.float32(9e9)), np.nextafter(t, np.float32(-9e9))])


def build(m):
    scales = [np.float32(s) for s in (12.7, 0.37, 0.0, 1e-31)]
    for n, s in enumerate(scales):
        x = m.feed(f"x{n}", ties(s or 1e-6))
        given = m.param(np.array([s], "float32"), f"scale{n}")
        for op in ("fake_quantize_range_abs_max", "fake_quantize_moving_average_abs_max",
                   "fake_quantize_dequantize_moving_average_abs_max"):
            for attrs in ({}, {"round_type": 0}, {"round_type": 1}):
                if n > 1 and attrs:
                    continue
                m.case(op, {"X": x, "InScale": given}, {"Out": "float32", "OutScale": "float32"},
                       {"is_test": True, "bit_length": 8, **attrs}, f"scale {s}", 0, ["Out"])
    x = m.feed("noise", m.normal(4, 3, 2, 5, scale=3))
    three = m.param(np.array([2.5], "float32"), "in_scale")
    m.case("fake_quantize_range_abs_max", {"X": x, "InScale": three},
           {"Out": "float32", "OutScale": "float32"}, {"is_test": True, "bit_length": 4}, "4 bits", 0,
           ["Out"])
    for op in ("fake_quantize_abs_max", "fake_quantize_dequantize_abs_max"):
        for round_type in (0, 1):
            m.case(op, {"X": x}, {"Out": "float32", "OutScale": "float32"},
                   {"bit_length": 8, "round_type": round_type}, "", 0)
    rows = m.feed("rows", m.normal(6, 4, scale=2))
    for op in ("fake_channel_wise_quantize_abs_max", "fake_channel_wise_quantize_dequantize_abs_max"):
        for axis in (0, 1):
            for round_type in (0, 1):
                m.case(op, {"X": x}, {"Out": "float32", "OutScale": "float32"},
                       {"bit_length": 8, "quant_axis": axis, "round_type": round_type}, "", 0)
            m.case(op, {"X": rows}, {"Out": "float32", "OutScale": "float32"},
                   {"bit_length": 8, "quant_axis": axis}, "2-D", 0)
    codes = m.feed("codes", m.integers(-127, 128, 2, 3, 4, 5).astype("float32"))
    one = m.param(np.array([1.7], "float32"), "one")
    channels = m.param(np.abs(m.normal(3)) + 0.1, "channels")
    lasts = m.param(np.abs(m.normal(5)) + 0.1, "lasts")
    firsts = m.param(np.abs(m.normal(2)) + 0.1, "firsts")
    m.case("fake_dequantize_max_abs", {"X": codes, "Scale": one}, attrs={"max_range": 127.0 * 127 / 0.3},
           tolerance=0)
    deq = "fake_channel_wise_dequantize_max_abs"
    m.case(deq, {"X": codes, "Scales": [channels, one]}, note="convolution", tolerance=0,
           attrs={"quant_bits": [8, 8], "quant_axis": 0, "x_num_col_dims": 1})
    m.case(deq, {"X": codes, "Scales": [lasts, one]}, note="product", tolerance=0,
           attrs={"quant_bits": [8, 8], "quant_axis": 1, "x_num_col_dims": 3})
    m.case(deq, {"X": codes, "Scales": [firsts]}, note="weights", tolerance=0,
           attrs={"quant_bits": [8], "quant_axis": 0})
    m.case(deq, {"X": codes, "Scales": [channels]}, note="weights", tolerance=0,
           attrs={"quant_bits": [8], "quant_axis": 1})
    m.case("moving_average_abs_max_scale", {"X": x}, {"Out": "float32", "OutScale": "float32"},
           {"is_test": True}, "", 0, ["Out"])
    small = m.param(m.integers(-128, 128, 3, 7, dtype="int8"), "small")
    m.case("dequantize_abs_max", {"X": small, "Scale": one}, attrs={"max_range": 127.0}, tolerance=0)
