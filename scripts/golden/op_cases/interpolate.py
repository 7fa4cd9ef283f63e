"""Cases of src/ops/interpolate."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(2, 3, 5, 7))
    x_nhwc = m.feed("x_nhwc", m.normal(1, 5, 7, 3))

    def case(op, inputs=None, note="", **attrs):
        kind = "nearest" if op.startswith("nearest") else "bilinear"
        m.case(op, {"X": x, **(inputs or {})}, attrs={"interp_method": kind, **attrs}, note=note,
               tolerance=0 if kind == "nearest" else 1e-6)

    size = m.param(np.array([9, 4], "int32"), "size")
    scale = m.param(np.array([1.7], "float32"), "scale")
    scales = m.param(np.array([1.7, 2.5], "float32"), "scales")
    for kind in ("nearest", "bilinear"):
        for corners in (True, False):
            for mode in ((0, 1) if kind == "bilinear" else (1,)):
                flags = {"align_corners": corners, "align_mode": mode}
                case(f"{kind}_interp_v2", out_h=10, out_w=14, scale=[], **flags)
                case(f"{kind}_interp_v2", out_h=3, out_w=4, scale=[], **flags)
                case(f"{kind}_interp_v2", out_h=-1, out_w=-1, scale=[2.0, 2.0], **flags)
                case(f"{kind}_interp_v2", out_h=-1, out_w=-1, scale=[1.3, 2.6], **flags)
                case(f"{kind}_interp", out_h=8, out_w=15, scale=0.0, **flags)
                case(f"{kind}_interp", out_h=0, out_w=0, scale=2.0, **flags)
        case(f"{kind}_interp_v2", {"OutSize": size}, "OutSize", out_h=2, out_w=2, scale=[],
             align_corners=False)
        case(f"{kind}_interp_v2", {"OutSize": size}, "OutSize and scale", out_h=2, out_w=2,
             scale=[2.0, 2.0], align_corners=False)
        case(f"{kind}_interp_v2", {"Scale": scales}, "Scale", out_h=2, out_w=2, scale=[],
             align_corners=False)
        case(f"{kind}_interp", {"Scale": scale}, "Scale", out_h=2, out_w=2, scale=0.0,
             align_corners=False)
        case(f"{kind}_interp_v2", out_h=1, out_w=1, scale=[], align_corners=True)
        m.case(f"{kind}_interp_v2", {"X": x_nhwc}, tolerance=1e-6,
               attrs={"interp_method": kind, "out_h": 8, "out_w": 9, "scale": [],
                      "align_corners": False, "data_layout": "NHWC"})
