#!/usr/bin/env python3
"""Thresholds of real Paddle's post-training quantisation, for src/quant's tests.

usage: make_ptq_goldens.py            (needs paddlepaddle 2.6.2; writes tests/golden/ptq)

A net of relu, 3x3 convolution and relu is quantised by every algorithm, in both formats, over three
batches of four standard normal pictures: inference.pdmodel and .pdiparams are the net, x.npy the pictures,
thresholds.csv has a line "algorithm,format,variable,threshold" for each activation.
"""
import logging
import re
import tempfile
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


def quantize(executor, program, folder: Path, algorithm: str, onnx_format: bool, **options):
    """The quantiser after its work, and the operators of the model that it wrote."""
    loader = paddle.io.DataLoader(Pictures(), feed_list=[program.global_block().var("x")],
                                  places=[paddle.CPUPlace()], batch_size=4, shuffle=False, return_list=False)
    scope = paddle.static.Scope()
    with paddle.static.scope_guard(scope):
        ptq = PostTrainingQuantization(
            executor=executor, model_dir=str(folder), model_filename="inference.pdmodel",
            params_filename="inference.pdiparams", data_loader=loader, batch_size=4, batch_nums=3,
            algo=algorithm, hist_percent=0.9999, quantizable_op_type=["conv2d"], scope=scope,
            onnx_format=onnx_format, **options)
        ptq.quantize()
        with tempfile.TemporaryDirectory() as out:
            ptq.save_quantized_model(out, "model.pdmodel", "model.pdiparams")
            model = framework_pb2.ProgramDesc.FromString((Path(out) / "model.pdmodel").read_bytes())
        return ptq, model.blocks[0].ops


def thresholds(executor, program, folder: Path, algorithm: str, onnx_format: bool):
    ptq, _ = quantize(executor, program, folder, algorithm, onnx_format)
    return ptq._quantized_var_threshold if algorithm in ("KL", "hist") else ptq._quantized_threshold


def min_max_lines(ops):
    for op in ops:
        for attr in op.attrs:
            if attr.name.endswith((".min", ".max", "out_min", "out_max")):
                values = attr.floats or [attr.f]
                yield f"{op.outputs[0].arguments[0]},{attr.name}," + " ".join(f"{v:.8g}" for v in values)


def operator_lines(ops, form: str):
    """Saving puts one more scale operator behind the model's own, which is left out."""
    for op in ops:
        inputs = {i.parameter: " ".join(i.arguments) for i in op.inputs if i.parameter != "ZeroPoint"}
        if op.type in ("feed", "fetch") or inputs.get("X") == "save_infer_model/scale_0.tmp_0":
            continue
        outputs = [name for o in op.outputs for name in o.arguments]
        line = f"{form},{op.type},{' '.join(inputs[k] for k in sorted(inputs) if inputs[k])},{' '.join(outputs)}"
        yield re.sub(r"channel_scale_\d+", "channel_scale_0", line)


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
    _, ops = quantize(executor, program, OUT, "min_max", False)
    (OUT / "min_max.csv").write_text("\n".join(["output,attribute,values", *min_max_lines(ops)]) + "\n")
    lines = ["format,type,inputs,outputs"]
    for onnx_format in (False, True):
        _, ops = quantize(executor, program, OUT, "abs_max", onnx_format, is_full_quantize=True)
        lines += operator_lines(ops, "onnx" if onnx_format else "old")
    (OUT / "full.csv").write_text("\n".join(lines) + "\n")
    same = [[f"{names[0]}#*#2", names[1], f"{names[2]}#/#4"]]
    ptq, _ = quantize(executor, program, OUT, "abs_max", True, same_scale_tensor_list=same)
    lines = [f"{name},{float(np.asarray(ptq._scale_dict[name]).ravel()[0]):.8g}" for name in names]
    (OUT / "same_scale.csv").write_text("\n".join(["variable,threshold", *lines]) + "\n")


if __name__ == "__main__":
    main()
