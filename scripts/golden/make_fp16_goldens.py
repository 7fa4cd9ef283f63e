#!/usr/bin/env python3
"""Parameters that real Paddle stored as float16, for tests/quantised: make_fp16_goldens.py

Needs paddlepaddle 2.6.2. Writes tests/golden/fp16: inference.pdmodel and .pdiparams are a net of a convolution and a
product with values on both sides of every border that rounding has, float16.pdiparams what
WeightQuantization.convert_weight_to_fp16 makes of the parameters. The program stays as it was.
"""
import shutil
import tempfile
from pathlib import Path

import numpy as np
import paddle
from make_ptq_goldens import strip_callstacks
from paddle.static.quantization import WeightQuantization

OUT = Path(__file__).resolve().parents[2] / "tests/golden/fp16"
# Around 1, the least normal and the least subnormal number, the largest number, and others; infinity and NaN.
BORDERS = [0.0, -0.0, 1.0, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-10 - 2**-20, 2**-14, 2**-14 - 2**-25, 2**-14 - 2**-24,
           2**-24, 1.5 * 2**-24, 2.5 * 2**-24, 2**-25, 2**-25 + 2**-40, 2**-26, 2**-140, 65504.0, 65503.0, np.inf, np.nan,
           0.1, 1 / 3, 1000.5, 2047.5, 4098.0, 4099.0]


def save_net(folder: Path):
    random = np.random.RandomState(3)
    weight = random.standard_normal((4, 3, 3, 3)).astype("float32") * 0.2
    borders = np.array(BORDERS + [-b for b in BORDERS], "float32").reshape(4, -1)
    program, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(program, startup), paddle.utils.unique_name.guard():
        def given(name, values):
            return paddle.ParamAttr(name=name, initializer=paddle.nn.initializer.Assign(values))
        x = paddle.static.data("x", [-1, 3, 16, 16], "float32")
        conv = paddle.static.nn.conv2d(x, 4, 3, param_attr=given("w_conv", weight), bias_attr=False)
        pooled = paddle.nn.functional.adaptive_avg_pool2d(conv, 1).flatten(1)
        y = paddle.static.nn.fc(pooled, borders.shape[1], weight_attr=given("w_fc", borders), bias_attr=False)
    executor = paddle.static.Executor(paddle.CPUPlace())
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "inference"), [x], [y], executor, program=program)
    strip_callstacks(folder / "inference.pdmodel")


def main():
    paddle.enable_static()
    OUT.mkdir(parents=True, exist_ok=True)
    save_net(OUT)
    with tempfile.TemporaryDirectory() as folder:
        names = {"model_filename": "inference.pdmodel", "params_filename": "inference.pdiparams"}
        WeightQuantization(str(OUT), **names).convert_weight_to_fp16(folder)
        assert (Path(folder) / "inference.pdmodel").read_bytes() == (OUT / "inference.pdmodel").read_bytes()
        shutil.copyfile(Path(folder) / "inference.pdiparams", OUT / "float16.pdiparams")


if __name__ == "__main__":
    main()
