#!/usr/bin/env python3
"""One float Paddle model in every form that the bench compares: INT8, ONNX, QDQ and NNCF.

usage: VENVS/peers/bin/python make_models.py --skiff SKIFF [--calibration X.npy] [--forms LIST] MODEL_DIR OUT
       VENVS/peers/bin/python make_models.py --paddle PYTHON --inputs DIR [--forms LIST] MODEL_DIR OUT

OUT/float        the model itself (a link)
OUT/int8_onnx    quantised by `skiff quantize --recipe plain`, written as Paddle's onnx_format
OUT/int8_old     the same, written with fake_quantize operators
OUT/fp32.onnx    for ONNX Runtime and OpenVINO
OUT/qdq.onnx     ONNX Runtime's static quantisation: per channel, u8 activations, s8 weights
OUT/nncf.xml     NNCF's quantisation, for OpenVINO
What is there already stays. Speed does not depend on the values, so that calibration data are random unless
--calibration names an array of shape [N, 3, 224, 224]; for accuracy, give real ones.

A network that does not take one picture is given --inputs and taken for a transformer. DIR holds NAME.npy for each
input; the first extent of all of them is the number of samples. They calibrate every quantiser; OUT/int8_onnx and
OUT/int8_old are made by Paddle itself (paddle_ptq.py, run by PYTHON, VENVS/paddle26/bin/python); the first sample becomes
OUT/inputs       NAME.npy of batch 1, which compare.py feeds
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import inputs

CALIBRATION_SAMPLES = 4
SHAPE = (3, 224, 224)  # of a sample, as peers/serve.py makes them
FORMS = ("float", "int8_onnx", "int8_old", "fp32.onnx", "qdq.onnx", "nncf.xml")


def input_names(onnx_file: Path) -> list[str]:
    import onnx
    graph = onnx.load(str(onnx_file), load_external_data=False).graph
    constants = {initializer.name for initializer in graph.initializer}
    return [value.name for value in graph.input if value.name not in constants]


class Maker:
    def __init__(self, args: argparse.Namespace):
        self.model, self.out, self.skiff, self.calibration = args.model_dir, args.out, args.skiff, args.calibration
        self.inputs, self.paddle = args.inputs, args.paddle  # of a transformer

    def pictures(self) -> np.ndarray:
        if self.calibration:
            return np.load(self.calibration).astype("float32")
        return np.random.RandomState(0).randn(CALIBRATION_SAMPLES, *SHAPE).astype("float32")

    def samples(self) -> list[dict[str, np.ndarray]]:
        """What calibrates the ONNX model, one sample at a time by the name of the input."""
        names = input_names(self.out / "fp32.onnx")
        if self.inputs:
            arrays = [np.load(self.inputs / f"{name}.npy") for name in names]
        elif len(names) == 1:
            arrays = [self.pictures()]
        else:
            raise SystemExit(f"make_models: {self.model} has {len(names)} inputs: they need --inputs")
        return [{name: x[None] for name, x in zip(names, sample)} for sample in zip(*arrays, strict=True)]

    def save_inputs(self):
        folder = self.out / inputs.FOLDER
        if folder.exists():
            return
        folder.mkdir()
        for file in self.inputs.glob("*.npy"):
            np.save(folder / file.name, np.ascontiguousarray(np.load(file)[:1]))

    def make(self, form: str):
        target = self.out / form
        if target.exists():
            return
        print(f"{self.model.name}: {form}", flush=True)
        if form == "float":
            target.symlink_to(self.model.resolve())
        elif form.startswith("int8"):
            quantise = self.quantise_with_paddle if self.inputs else self.quantise_with_skiff
            quantise(target, old=form == "int8_old")
        elif form == "fp32.onnx":
            self.to_onnx(target)
        elif form == "qdq.onnx":
            self.quantise_for_onnxruntime(target)
        else:
            self.quantise_for_openvino(target)

    def quantise_with_skiff(self, target: Path, old: bool):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "samples.npy")
            np.save(data, self.pictures())
            command = [self.skiff, "quantize", "--recipe", "plain", "--no_cache", "--no_check", "--data", str(data),
                       "--model_dir", str(self.model), "--out", str(target),
                       "--save_model_filename", "inference.pdmodel", "--save_params_filename", "inference.pdiparams"]
            subprocess.run(command + ["--old_format"] * old, check=True)

    def quantise_with_paddle(self, target: Path, old: bool):
        script = Path(__file__).resolve().with_name("paddle_ptq.py")
        command = [self.paddle, str(script), str(self.model), str(self.inputs), str(target)]
        subprocess.run(command + ["--old_format"] * old, check=True)

    def to_onnx(self, target: Path):
        import paddle2onnx
        paddle2onnx.export(str(self.model / "inference.pdmodel"), str(self.model / "inference.pdiparams"),
                           str(target), opset_version=13, deploy_backend="onnxruntime")

    def quantise_for_onnxruntime(self, target: Path):
        from onnxruntime import quantization
        from onnxruntime.quantization import shape_inference
        self.make("fp32.onnx")

        class Reader(quantization.CalibrationDataReader):
            def __init__(self, samples):
                self.left = iter(samples)

            def get_next(self):
                return next(self.left, None)

        with tempfile.TemporaryDirectory() as folder:
            prepared = str(self.out / "fp32.onnx")
            if not self.inputs:  # it changes nothing in transformers
                prepared = str(Path(folder, "prepared.onnx"))
                shape_inference.quant_pre_process(str(self.out / "fp32.onnx"), prepared, skip_symbolic_shape=True)
            quantization.quantize_static(prepared, str(target), Reader(self.samples()), per_channel=True,
                                         quant_format=quantization.QuantFormat.QDQ,
                                         activation_type=quantization.QuantType.QUInt8,
                                         weight_type=quantization.QuantType.QInt8,
                                         op_types_to_quantize=["MatMul", "Gemm"] if self.inputs else None)

    def quantise_for_openvino(self, target: Path):
        import nncf
        import openvino
        self.make("fp32.onnx")
        model = openvino.Core().read_model(str(self.out / "fp32.onnx"))
        samples = self.samples()
        kind = nncf.ModelType.TRANSFORMER if self.inputs else None
        quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples), model_type=kind)
        openvino.save_model(quantised, str(target))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--skiff", help="the command line of Skiff, which quantises networks of one picture")
    parser.add_argument("--calibration", type=Path, help="array of pictures; random ones if absent")
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="samples of every input, where it is not one picture")
    parser.add_argument("--paddle", metavar="PYTHON", help="that has Paddle 2.6.2, which quantises networks of --inputs")
    parser.add_argument("--forms", default=",".join(FORMS), help="which, separated by commas")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    if not (args.paddle if args.inputs else args.skiff):
        parser.error("give --skiff, or --inputs and --paddle")
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = args.forms.split(",")
    if unknown := set(wanted) - set(FORMS):
        parser.error(f"no such form: {', '.join(sorted(unknown))}")
    maker = Maker(args)
    if args.inputs:
        maker.save_inputs()
    for form in FORMS:
        if form in wanted:
            maker.make(form)


if __name__ == "__main__":
    main()
