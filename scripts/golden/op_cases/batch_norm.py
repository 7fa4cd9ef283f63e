"""Cases of src/ops/batch_norm."""
import numpy as np


def build(m):
    x = m.feed("x", m.normal(2, 5, 4, 6), dims=[-1, 5, -1, -1])
    x_nhwc = m.feed("x_nhwc", m.normal(2, 4, 6, 5))
    rows = m.feed("rows", m.normal(3, 5))
    steps = m.feed("steps", m.normal(2, 5, 7))
    cube = m.feed("cube", m.normal(1, 5, 2, 3, 4))
    scale = m.param(m.normal(5))
    bias = m.param(m.normal(5))
    mean = m.param(m.normal(5))
    variance = m.param(np.abs(m.normal(5)) + 0.1)

    def norm(source, **attrs):
        # MeanOut and VarianceOut are the parameters themselves, as in every exported model.
        attrs = {"is_test": True, **attrs}
        y = m.block.create_var(name=f"bn_{len(m.block.vars)}.Y", dtype="float32")
        saved = [m.block.create_var(name=f"bn_{len(m.block.vars)}.{s}", dtype="float32")
                 for s in ("SavedMean", "SavedVariance")]
        m.block.append_op(
            type="batch_norm",
            inputs={"X": [source], "Scale": [scale], "Bias": [bias], "Mean": [mean],
                    "Variance": [variance]},
            outputs={"Y": [y], "MeanOut": [mean], "VarianceOut": [variance],
                     "SavedMean": [saved[0]], "SavedVariance": [saved[1]]},
            attrs=dict(attrs))
        words = " ".join(f"{k}={v}" for k, v in attrs.items())
        m.fetch(y, f"batch_norm {list(source.shape)} {words} -> Y", 1e-5)

    norm(x)
    norm(x, epsilon=1e-3)
    norm(x, use_global_stats=True)
    norm(x_nhwc, data_layout="NHWC")
    norm(rows)
    norm(steps)
    norm(cube)
