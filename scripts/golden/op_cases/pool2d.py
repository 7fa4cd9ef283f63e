"""Cases of src/ops/pool2d."""


def build(m):
    x = m.feed("x", m.normal(2, 5, 9, 10), dims=[-1, 5, -1, -1])

    def pool(kind, ksize, **attrs):
        m.case("pool2d", {"X": x}, attrs={"pooling_type": kind, "ksize": ksize, **attrs},
               tolerance=1e-5)

    for kind in ("max", "avg"):
        pool(kind, [2, 2], strides=[2, 2])
        pool(kind, [3, 3], strides=[2, 2], paddings=[1, 1])
        pool(kind, [3, 2], strides=[1, 2], paddings=[1, 0])
        pool(kind, [3, 3], strides=[2, 2], ceil_mode=True)
        pool(kind, [3, 3], strides=[2, 2], paddings=[1, 1], ceil_mode=True)
        pool(kind, [3, 2], strides=[3, 3], ceil_mode=True)
        pool(kind, [3, 3], strides=[2, 2], paddings=[1, 0, 0, 1])
        pool(kind, [3, 3], strides=[2, 2], padding_algorithm="SAME")
        pool(kind, [2, 4], strides=[2, 3], padding_algorithm="SAME", paddings=[1, 1])
        pool(kind, [3, 3], strides=[2, 2], padding_algorithm="VALID", paddings=[1, 1])
        pool(kind, [1, 1], global_pooling=True, paddings=[1, 1])
        pool(kind, [5, 5], strides=[1, 1], paddings=[2, 2])
    pool("avg", [3, 3], strides=[2, 2], paddings=[1, 1], exclusive=False)
    pool("avg", [3, 3], strides=[2, 2], paddings=[1, 1], exclusive=False, ceil_mode=True)
    pool("avg", [3, 3], strides=[2, 2], paddings=[1, 0, 0, 1], exclusive=False)
    pool("avg", [3, 3], strides=[2, 2], padding_algorithm="SAME", exclusive=False)
    pool("avg", [1, 1], adaptive=True)
    pool("avg", [4, 3], adaptive=True)
    pool("avg", [9, 10], adaptive=True, exclusive=False)

    def pool_with_index(ksize, **attrs):
        m.case("max_pool2d_with_index", {"X": x}, {"Out": "float32", "Mask": "int32"},
               {"ksize": ksize, **attrs}, tolerance=1e-5, fetch=["Out"])

    pool_with_index([2, 2], strides=[2, 2])
    pool_with_index([3, 3], strides=[2, 2], paddings=[1, 1])
    pool_with_index([4, 3], adaptive=True)
    pool_with_index([1, 1], adaptive=True)
    pool_with_index([1, 1], global_pooling=True)
