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
    writers = collections.defaultdict(list)
    for op in block.ops:
        if op.type in ("feed", "fetch"):
            continue
        inputs = sorted((slot, op.input(slot)) for slot in op.input_names)
        observer = op.has_attr("only_observer") and op.attr("only_observer")
        signature = (op.type, str(inputs), observer)
        for name in op.output_arg_names:
            if not block.var(name).persistable and "XShape" not in name:
                writers[name].append(signature)
    dense = paddle.base.core.VarDesc.VarType.LOD_TENSOR
    names = [n for n, w in writers.items() if len(set(w)) == 1 and block.var(n).type == dense]
    values = exe.run(program, feed=feed, fetch_list=names, return_numpy=False)
    kept = 0
    for name, value in zip(names, values):
        array = np.array(value)
        if not array.size:
            continue
        for k in range(len(writers[name])):
            suffix = f"#{k}" if k else ""
            np.save(os.path.join(out, name.replace("/", "|") + suffix), array)
        kept += 1
    for name, array in feed.items():
        np.save(os.path.join(out, name.replace("/", "|")), array)
    print(f"{kept} tensors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
