#!/usr/bin/env python3
"""A transformer quantised by Paddle itself: `skiff quantize` feeds one input, this any number.

usage: VENVS/paddle26/bin/python paddle_ptq.py [--old_format] MODEL_DIR INPUTS OUT

INPUTS holds NAME.npy for each input, the first extent of all of them being the number of samples. The thresholds of
activations are their largest absolute values; weights have one for each column.
"""

import argparse
from pathlib import Path

import numpy as np
import paddle
from paddle.static.quantization import PostTrainingQuantization

PROGRAM, PARAMETERS = "inference.pdmodel", "inference.pdiparams"
PRODUCTS = ["mul", "matmul", "matmul_v2"]


class Samples(paddle.io.Dataset):
    def __init__(self, arrays: list[np.ndarray]):
        super().__init__()
        self.samples = list(zip(*arrays, strict=True))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple:
        return self.samples[index]


def quantise(model: Path, inputs: Path, out: Path, old_format: bool):
    paddle.enable_static()
    place = paddle.CPUPlace()
    executor = paddle.static.Executor(place)
    program, names, _ = paddle.static.load_inference_model(str(model / Path(PROGRAM).stem), executor)
    samples = Samples([np.load(inputs / f"{name}.npy") for name in names])
    loader = paddle.io.DataLoader(samples, feed_list=[program.global_block().var(name) for name in names],
                                  places=[place], batch_size=1, return_list=False)
    quantiser = PostTrainingQuantization(
        executor=executor, data_loader=loader, model_dir=str(model), model_filename=PROGRAM,
        params_filename=PARAMETERS, batch_size=1, batch_nums=len(samples), algo="abs_max",
        onnx_format=not old_format, quantizable_op_type=PRODUCTS, weight_quantize_type="channel_wise_abs_max")
    quantiser.quantize()
    quantiser.save_quantized_model(str(out), model_filename=PROGRAM, params_filename=PARAMETERS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--old_format", action="store_true", help="fake_quantize operators, instead of onnx_format")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    quantise(args.model_dir, args.inputs, args.out, args.old_format)


if __name__ == "__main__":
    main()
