#!/usr/bin/env python3
"""Paddle's answers on the small quantised models of tests/golden/formats: make_quantised_goldens.py [ROOT].

Needs paddlepaddle 2.6.2. Writes tests/golden/quantised/x.npy, the input of all of them, and <model>.npy, the first output
of Paddle's plain kernels (of oneDNN for q26_int8, whose operators have no other kernels).
"""

import pathlib
import sys

import numpy as np
from paddle.inference import Config, create_predictor

MODELS = ["q26_int8", "q26_old_cw", "q26_old_abs", "q26_onnx", "q26_qat_old", "q26_qat_onnx", "m33leg_ptq",
          "q26_attention", "q26_attention_old"]


def answer(folder: pathlib.Path, x: np.ndarray, onednn: bool) -> np.ndarray:
    config = Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    if onednn:
        config.enable_mkldnn()
    else:
        config.disable_mkldnn()
        config.switch_ir_optim(False)
    predictor = create_predictor(config)
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(x)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def main() -> int:
    golden = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "tests" / "golden"
    out = golden / "quantised"
    out.mkdir(exist_ok=True)
    x = np.random.RandomState(5).randn(2, 3, 16, 16).astype(np.float32)
    np.save(out / "x.npy", x)
    for model in MODELS:
        np.save(out / f"{model}.npy", answer(golden / "formats" / model, x, model == "q26_int8"))
        print(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
