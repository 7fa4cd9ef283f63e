#!/usr/bin/env python3
"""Paddle's own quantisation of a network with several inputs, which `skiff quantize` has no way to feed.

usage: VENVS/paddle26/bin/python paddle_ptq.py [--old_format] MODEL_DIR SAMPLES OUT

SAMPLES holds NAME.npy for each input, samples along the first axis. Matrix products are quantised, their weights per column,
activations by abs_max.
"""

import argparse
from pathlib import Path

import numpy as np
import paddle
from paddle.static.quantization import PostTrainingQuantization

FILES = {"model_filename": "inference.pdmodel", "params_filename": "inference.pdiparams"}


class Samples(paddle.io.Dataset):
    def __init__(self, arrays: list):
        super().__init__()
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, i: int) -> tuple:
        return tuple(array[i] for array in self.arrays)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--old_format", action="store_true")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("samples", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    paddle.enable_static()
    place = paddle.CPUPlace()
    executor = paddle.static.Executor(place)
    program, feeds, _ = paddle.static.load_inference_model(str(args.model_dir / "inference"), executor)
    samples = Samples([np.load(args.samples / f"{name}.npy") for name in feeds])
    loader = paddle.io.DataLoader(samples, feed_list=[program.global_block().var(name) for name in feeds], places=[place],
                                  batch_size=1, return_list=False)
    ptq = PostTrainingQuantization(
        executor=executor, data_loader=loader, model_dir=str(args.model_dir), batch_size=1, batch_nums=len(samples),
        algo="abs_max", onnx_format=not args.old_format, quantizable_op_type=["mul", "matmul", "matmul_v2"],
        weight_quantize_type="channel_wise_abs_max", **FILES)
    ptq.quantize()
    ptq.save_quantized_model(str(args.out), **FILES)


if __name__ == "__main__":
    main()
