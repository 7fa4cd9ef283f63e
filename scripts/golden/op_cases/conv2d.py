"""Cases of src/ops/conv2d."""


def build(m):
    x = m.feed("x", m.normal(2, 6, 9, 11), dims=[-1, 6, -1, -1])
    dense = m.param(m.normal(8, 6, 3, 3, scale=0.2))
    point = m.param(m.normal(10, 6, 1, 1, scale=0.3))
    grouped = m.param(m.normal(8, 3, 3, 3, scale=0.3))
    depthwise = m.param(m.normal(6, 1, 3, 3, scale=0.4))
    multiplier = m.param(m.normal(12, 1, 5, 5, scale=0.3))
    oblong = m.param(m.normal(4, 6, 2, 5, scale=0.2))

    def conv(filter_, op="conv2d", **attrs):
        m.case(op, {"Input": x, "Filter": filter_}, {"Output": "float32"}, attrs,
               note=f"filter={list(filter_.shape)}".replace(" ", ""))

    conv(dense)
    conv(dense, paddings=[1, 1])
    conv(dense, strides=[2, 2], paddings=[1, 1])
    conv(dense, strides=[2, 1], paddings=[0, 2])
    conv(dense, paddings=[2, 0, 1, 3], strides=[2, 3])
    conv(dense, dilations=[2, 2], paddings=[2, 2])
    conv(dense, padding_algorithm="SAME", strides=[2, 2])
    conv(dense, padding_algorithm="SAME", dilations=[2, 2])
    conv(dense, padding_algorithm="VALID", paddings=[3, 3])
    conv(dense, data_format="AnyLayout", paddings=[1, 1])
    conv(point)
    conv(point, strides=[2, 2])
    conv(point, paddings=[1, 1])
    conv(grouped, groups=2, paddings=[1, 1])
    conv(oblong, paddings=[1, 2])
    conv(oblong, padding_algorithm="SAME")
    conv(depthwise, op="depthwise_conv2d", groups=6, paddings=[1, 1])
    conv(depthwise, op="depthwise_conv2d", groups=6, paddings=[1, 1], strides=[2, 2])
    conv(depthwise, op="depthwise_conv2d", groups=6, dilations=[2, 3], paddings=[2, 3])
    conv(multiplier, op="depthwise_conv2d", groups=6, paddings=[2, 2])
    conv(depthwise, groups=6, paddings=[0, 1, 1, 0])
