#!/usr/bin/env python3
"""Paddle Inference with oneDNN: model folder, float or quantised. See serve.py."""

import os

import paddle
from paddle.inference import Config, create_predictor

import serve


def main():
    args = serve.arguments()

    def load():
        config = Config(os.path.join(args.model, "inference.pdmodel"), os.path.join(args.model, "inference.pdiparams"))
        config.disable_gpu()
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(args.threads)
        config.enable_memory_optim()
        config.enable_mkldnn()
        if args.precision == "int8":
            config.enable_mkldnn_int8()
        if args.precision == "bf16":
            config.enable_mkldnn_bfloat16()
        predictor = create_predictor(config)
        for name, x in serve.feed(args, predictor.get_input_names()).items():
            predictor.get_input_handle(name).copy_from_cpu(x)
        output = predictor.get_output_handle(predictor.get_output_names()[0])

        def run():
            predictor.run()
            return output.copy_to_cpu()

        return run

    serve.serve(load, paddle.__version__)


if __name__ == "__main__":
    main()
