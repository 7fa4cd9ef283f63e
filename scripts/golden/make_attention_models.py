#!/usr/bin/env python3
"""Small quantised models with transposed convolutions and products of activations: make_attention_models.py [ROOT].

Needs paddlepaddle 2.6.2, whose PostTrainingQuantization quantises them. Writes tests/golden/formats/q26_attention (onnx_format)
and q26_attention_old (fake_quantize operators); make_quantised_goldens.py runs them afterwards. Input: [N, 3, 16, 16].
"""

import os
import pathlib
import sys
import tempfile

import numpy as np

os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.base.proto import framework_pb2
from paddle.static.quantization import PostTrainingQuantization

SAMPLES = 4


class Attention(nn.Layer):
    """Pixels that attend to each other, between transposed convolutions of both kinds: windows that overlap, and that do not."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2D(3, 8, 3, stride=4, padding=1)
        self.overlapping = nn.Conv2DTranspose(8, 8, 4, stride=2, padding=1)
        self.apart = nn.Conv2DTranspose(8, 6, 2, stride=2)

    def forward(self, x):
        x = F.relu(self.overlapping(self.down(x)))
        pixels = x.reshape([0, 8, 64])
        scores = paddle.matmul(pixels, pixels, transpose_y=True)
        mixed = paddle.matmul(F.softmax(0.5 * scores), pixels)
        return self.apart(mixed.reshape([0, 8, 8, 8]))


def quantise(model: str, out: pathlib.Path, onnx_format: bool):
    paddle.enable_static()
    place = paddle.CPUPlace()
    executor = paddle.static.Executor(place)
    program, feeds, _ = paddle.static.load_inference_model(model + "/inference", executor)
    x = np.random.RandomState(3).randn(SAMPLES, 3, 16, 16).astype(np.float32)

    class Data(paddle.io.Dataset):
        def __len__(self):
            return SAMPLES

        def __getitem__(self, i):
            return x[i]

    loader = paddle.io.DataLoader(Data(), feed_list=[program.global_block().var(name) for name in feeds], places=[place],
                                  batch_size=2, return_list=False)
    ptq = PostTrainingQuantization(
        executor=executor, data_loader=loader, model_dir=model, model_filename="inference.pdmodel",
        params_filename="inference.pdiparams", batch_size=2, batch_nums=SAMPLES // 2, algo="abs_max", onnx_format=onnx_format,
        quantizable_op_type=["conv2d", "conv2d_transpose", "matmul_v2"], weight_quantize_type="channel_wise_abs_max")
    ptq.quantize()
    ptq.save_quantized_model(str(out), model_filename="inference.pdmodel", params_filename="inference.pdiparams")
    strip_call_stacks(out / "inference.pdmodel")
    paddle.disable_static()


def strip_call_stacks(file: pathlib.Path):
    """Paths of this machine, which Paddle writes for its error messages."""
    program = framework_pb2.ProgramDesc()
    program.ParseFromString(file.read_bytes())
    for block in program.blocks:
        for operator in block.ops:
            kept = [type(a).FromString(a.SerializeToString()) for a in operator.attrs if a.name != "op_callstack"]
            del operator.attrs[:]
            operator.attrs.extend(kept)
    file.write_bytes(program.SerializeToString())


def main() -> int:
    formats = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "tests" / "golden" / "formats"
    paddle.seed(11)
    net = Attention()
    net.eval()
    with tempfile.TemporaryDirectory() as folder:
        spec = paddle.static.InputSpec([-1, 3, 16, 16], "float32", "x")
        paddle.jit.save(net, folder + "/inference", input_spec=[spec])
        quantise(folder, formats / "q26_attention", True)
        quantise(folder, formats / "q26_attention_old", False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
