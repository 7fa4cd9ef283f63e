#!/usr/bin/env python3
"""Thresholds of real Paddle's post-training quantisation, for src/quant's tests.

usage: make_ptq_goldens.py            (needs paddlepaddle 2.6.2; writes tests/golden/ptq)

A net of relu, 3x3 convolution and relu is quantised by every algorithm, in both formats, over three
batches of four standard normal pictures: inference.pdmodel and .pdiparams are the net, x.npy the pictures,
thresholds.csv has a line "algorithm,format,variable,threshold" for each activation.
"""
import logging
from pathlib import Path

import numpy as np
import paddle
from paddle.base.proto import framework_pb2
from paddle.static.quantization import PostTrainingQuantization

OUT = Path(__file__).resolve().parents[2] / "tests/golden/ptq"
ALGORITHMS = ["abs_max", "avg", "hist", "KL", "mse", "emd", "ptf"]
BATCHES = [np.random.RandomState(k).standard_normal((4, 3, 16, 16)).astype("float32") for k in range(3)]
WEIGHT = np.random.RandomState(7).standard_normal((8, 3, 3, 3)).astype("float32") * 0.2


class Pictures(paddle.io.Dataset):
    def __len__(self):
        return 12

    def __getitem__(self, i):
        return (BATCHES[i // 4][i % 4],)


def save_net(folder: Path):
    program, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(program, startup), paddle.utils.unique_name.guard():
        x = paddle.static.data("x", [-1, 3, 16, 16], "float32")
        relu = paddle.nn.functional.relu(x)
        initial = paddle.ParamAttr(name="w0", initializer=paddle.nn.initializer.Assign(WEIGHT))
        conv = paddle.static.nn.conv2d(relu, 8, 3, padding=1, bias_attr=False, param_attr=initial)
        y = paddle.nn.functional.relu(conv)
    executor = paddle.static.Executor(paddle.CPUPlace())
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "inference"), [x], [y], executor, program=program)
    strip_callstacks(folder / "inference.pdmodel")
    return executor, program, [relu.name, conv.name, y.name]


def strip_callstacks(path: Path):
    """Paddle writes the Python stack of each operator into the file, with the paths of the machine."""
    model = framework_pb2.ProgramDesc.FromString(path.read_bytes())
    for op in model.blocks[0].ops:
        kept = [a for a in op.attrs if a.name != "op_callstack"]
        del op.attrs[:]
        op.attrs.extend(kept)
    path.write_bytes(model.SerializeToString())


def thresholds(executor, program, folder: Path, algorithm: str, onnx_format: bool):
    loader = paddle.io.DataLoader(Pictures(), feed_list=[program.global_block().var("x")],
                                  places=[paddle.CPUPlace()], batch_size=4, shuffle=False, return_list=False)
    scope = paddle.static.Scope()
    with paddle.static.scope_guard(scope):
        ptq = PostTrainingQuantization(
            executor=executor, model_dir=str(folder), model_filename="inference.pdmodel",
            params_filename="inference.pdiparams", data_loader=loader, batch_size=4, batch_nums=3,
            algo=algorithm, hist_percent=0.9999, quantizable_op_type=["conv2d"], scope=scope,
            onnx_format=onnx_format)
        ptq.quantize()
        return ptq._quantized_var_threshold if algorithm in ("KL", "hist") else ptq._quantized_threshold


def main():
    logging.disable(logging.CRITICAL)
    paddle.enable_static()
    OUT.mkdir(parents=True, exist_ok=True)
    executor, program, names = save_net(OUT)
    np.save(OUT / "x.npy", np.concatenate(BATCHES))
    lines = ["algorithm,format,variable,threshold"]
    for onnx_format in (False, True):
        for algorithm in ALGORITHMS:
            found = thresholds(executor, program, OUT, algorithm, onnx_format)
            for name in names:
                value = float(np.asarray(found[name]).ravel()[0])
                lines.append(f"{algorithm},{'onnx' if onnx_format else 'old'},{name},{value:.8g}")
    (OUT / "thresholds.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
