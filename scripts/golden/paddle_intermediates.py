#!/usr/bin/env python3
"""Every tensor that real Paddle computes on a model: paddle_intermediates.py MODEL_DIR OUT name=x.npy ...

Needs paddlepaddle 2.6.2. Runs the program literally with Paddle's plain kernels and writes OUT/<variable>.npy, "/" in
a name as "|". Variables that the program writes twice are left out: only their last value could be told.
`skiff compare --reference_dir OUT` feeds each of Skiff's layers with these tensors and compares what it writes.
"""

import collections
import os
import sys

import numpy as np
import paddle


def main() -> int:
    model, out = sys.argv[1:3]
    feed = {name: np.load(path) for name, path in (a.split("=", 1) for a in sys.argv[3:])}
    os.makedirs(out, exist_ok=True)
    paddle.enable_static()
    exe = paddle.static.Executor(paddle.CPUPlace())
    program, _, _ = paddle.static.load_inference_model(os.path.join(model, "inference"), exe)
    block = program.global_block()
    writes = collections.Counter()
    for op in block.ops:
        if op.type not in ("feed", "fetch"):
            writes.update(n for n in op.output_arg_names if not block.var(n).persistable)
    names = [n for n, count in writes.items() if count == 1 and block.var(n).type == paddle.base.core.VarDesc.VarType.LOD_TENSOR]
    names = [n for n in names if "XShape" not in n]
    values = exe.run(program, feed=feed, fetch_list=names, return_numpy=False)
    kept = 0
    for name, value in zip(names, values):
        array = np.array(value)
        if array.size:
            np.save(os.path.join(out, name.replace("/", "|")), array)
            kept += 1
    for name, array in feed.items():
        np.save(os.path.join(out, name.replace("/", "|")), array)
    print(f"{kept} tensors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
