"""Cases of src/ops/conv2d_transpose."""


def build(m):
    x = m.feed("x", m.normal(2, 6, 5, 6), dims=[-1, 6, -1, -1])
    dense = m.param(m.normal(6, 4, 3, 3, scale=0.2))
    two = m.param(m.normal(6, 5, 2, 2, scale=0.3))
    four = m.param(m.normal(6, 4, 4, 4, scale=0.2))
    grouped = m.param(m.normal(6, 2, 3, 3, scale=0.3))
    depthwise = m.param(m.normal(6, 1, 3, 3, scale=0.4))

    def conv(filter_, op="conv2d_transpose", **attrs):
        m.case(op, {"Input": x, "Filter": filter_}, {"Output": "float32"}, attrs,
               note=f"filter={list(filter_.shape)}".replace(" ", ""))

    conv(dense)
    conv(two, strides=[2, 2])
    conv(dense, strides=[2, 2], paddings=[1, 1])
    conv(dense, strides=[2, 2], paddings=[1, 1], output_padding=[1, 1])
    conv(dense, strides=[2, 3], paddings=[1, 0], output_padding=[1, 2])
    conv(dense, strides=[2, 2], paddings=[1, 1], output_size=[10, 12])
    conv(four, strides=[2, 2], paddings=[1, 1])
    conv(four, strides=[2, 2], paddings=[0, 1, 2, 1])
    conv(dense, dilations=[2, 2], paddings=[1, 1])
    conv(dense, strides=[2, 2], padding_algorithm="SAME")
    conv(dense, padding_algorithm="SAME", dilations=[2, 2])
    conv(four, strides=[2, 2], padding_algorithm="VALID", paddings=[1, 1])
    conv(grouped, groups=2, strides=[2, 2], paddings=[1, 1])
    conv(depthwise, op="depthwise_conv2d_transpose", groups=6, strides=[2, 2], paddings=[1, 1])
    conv(depthwise, op="depthwise_conv2d_transpose", groups=6, paddings=[1, 1])
