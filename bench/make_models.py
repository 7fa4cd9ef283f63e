#!/usr/bin/env python3
"""One float Paddle model in every form that the bench compares: Skiff's INT8, ONNX, QDQ and NNCF.

usage: VENVS/peers/bin/python make_models.py --skiff SKIFF [--calibration X.npy] [--forms LIST] MODEL_DIR OUT

OUT/float        the model itself (a link)
OUT/int8_onnx    quantised by `skiff quantize --recipe plain`, written as Paddle's onnx_format
OUT/int8_old     the same, written with fake_quantize operators
OUT/fp32.onnx    for ONNX Runtime and OpenVINO
OUT/qdq.onnx     ONNX Runtime's static quantisation: per channel, u8 activations, s8 weights
OUT/nncf.xml     NNCF's quantisation, for OpenVINO
What is there already stays. Speed does not depend on the values, so that calibration data are random unless
--calibration names an array of shape [N, 3, 224, 224]; for accuracy, give real ones.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

CALIBRATION_SAMPLES = 4
SHAPE = (3, 224, 224)  # of a sample, as peers/serve.py makes them
FORMS = ("float", "int8_onnx", "int8_old", "fp32.onnx", "qdq.onnx", "nncf.xml")


def input_name(onnx_file: Path) -> str:
    import onnx
    graph = onnx.load(str(onnx_file), load_external_data=False).graph
    constants = {initializer.name for initializer in graph.initializer}
    names = [value.name for value in graph.input if value.name not in constants]
    if len(names) != 1:
        raise SystemExit(f"make_models: {onnx_file} has {len(names)} inputs, this bench feeds pictures to one")
    return names[0]


class Maker:
    def __init__(self, model: Path, out: Path, skiff: str, calibration: Path | None):
        self.model, self.out, self.skiff, self.calibration = model, out, skiff, calibration
        self.made_samples = None

    def samples(self) -> list[np.ndarray]:
        if self.made_samples is None:
            if self.calibration:
                array = np.load(self.calibration).astype("float32")
            else:
                array = np.random.RandomState(0).randn(CALIBRATION_SAMPLES, *SHAPE).astype("float32")
            self.made_samples = [sample[None] for sample in array]
        return self.made_samples

    def make(self, form: str):
        target = self.out / form
        if target.exists():
            return
        print(f"{self.model.name}: {form}", flush=True)
        if form == "float":
            target.symlink_to(self.model.resolve())
        elif form.startswith("int8"):
            self.quantise_with_skiff(target, old=form == "int8_old")
        elif form == "fp32.onnx":
            self.to_onnx(target)
        elif form == "qdq.onnx":
            self.quantise_for_onnxruntime(target)
        else:
            self.quantise_for_openvino(target)

    def quantise_with_skiff(self, target: Path, old: bool):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "samples.npy")
            np.save(data, np.concatenate(self.samples()))
            command = [self.skiff, "quantize", "--recipe", "plain", "--no_cache", "--no_check", "--data", str(data),
                       "--model_dir", str(self.model), "--out", str(target),
                       "--save_model_filename", "inference.pdmodel", "--save_params_filename", "inference.pdiparams"]
            subprocess.run(command + ["--old_format"] * old, check=True)

    def to_onnx(self, target: Path):
        import paddle2onnx
        paddle2onnx.export(str(self.model / "inference.pdmodel"), str(self.model / "inference.pdiparams"),
                           str(target), opset_version=13, deploy_backend="onnxruntime")

    def quantise_for_onnxruntime(self, target: Path):
        from onnxruntime import quantization
        from onnxruntime.quantization import shape_inference
        self.make("fp32.onnx")
        name = input_name(self.out / "fp32.onnx")

        class Reader(quantization.CalibrationDataReader):
            def __init__(self, samples):
                self.left = iter(samples)

            def get_next(self):
                sample = next(self.left, None)
                return None if sample is None else {name: sample}

        with tempfile.TemporaryDirectory() as folder:
            prepared = str(Path(folder, "prepared.onnx"))
            shape_inference.quant_pre_process(str(self.out / "fp32.onnx"), prepared, skip_symbolic_shape=True)
            quantization.quantize_static(prepared, str(target), Reader(self.samples()), per_channel=True,
                                         quant_format=quantization.QuantFormat.QDQ,
                                         activation_type=quantization.QuantType.QUInt8,
                                         weight_type=quantization.QuantType.QInt8)

    def quantise_for_openvino(self, target: Path):
        import nncf
        import openvino
        self.make("fp32.onnx")
        name = input_name(self.out / "fp32.onnx")
        model = openvino.Core().read_model(str(self.out / "fp32.onnx"))
        data = nncf.Dataset([{name: sample} for sample in self.samples()])
        openvino.save_model(nncf.quantize(model, data, subset_size=len(self.samples())), str(target))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--skiff", required=True, help="the command line of Skiff")
    parser.add_argument("--calibration", type=Path, help="array of samples; random ones if absent")
    parser.add_argument("--forms", default=",".join(FORMS), help="which, separated by commas")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = args.forms.split(",")
    if unknown := set(wanted) - set(FORMS):
        parser.error(f"no such form: {', '.join(sorted(unknown))}")
    maker = Maker(args.model_dir, args.out, args.skiff, args.calibration)
    for form in FORMS:
        if form in wanted:
            maker.make(form)


if __name__ == "__main__":
    main()
