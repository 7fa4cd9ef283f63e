#!/usr/bin/env python3
"""One float Paddle model in every form that the bench compares: INT8, ONNX, QDQ and NNCF.

usage: VENVS/peers/bin/python make_models.py --skiff SKIFF [--calibration X.npy] [--forms LIST] MODEL_DIR OUT
       VENVS/peers/bin/python make_models.py --paddle VENVS/paddle26/bin/python --samples DIR [--batches 1,32] [--forms LIST]
                                             MODEL_DIR OUT

OUT/float        the model itself (a link)
OUT/int8_onnx    quantised by `skiff quantize --recipe plain`, written as Paddle's onnx_format
OUT/int8_old     the same, written with fake_quantize operators
OUT/fp32.onnx    for ONNX Runtime and OpenVINO
OUT/qdq.onnx     ONNX Runtime's static quantisation: per channel, u8 activations, s8 weights
OUT/nncf.xml     NNCF's quantisation, for OpenVINO
OUT/inputs/BATCH what a network is fed that does not take one picture
The second form is for such networks: DIR holds NAME.npy for each input, samples along the first axis, to calibrate with;
the first sample is what the network is timed on. Paddle itself quantises them (paddle_ptq.py).
What is there already stays. Speed does not depend on the values, so that calibration data are random unless
--calibration names an array of shape [N, 3, 224, 224]; for accuracy, give real ones.
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
    def __init__(self, model: Path, out: Path, args: argparse.Namespace):
        self.model, self.out, self.skiff, self.calibration = model, out, args.skiff, args.calibration
        self.paddle, self.given = args.paddle, args.samples  # of a network that does not take one picture
        self.made_pictures = None

    def pictures(self) -> list[np.ndarray]:
        if self.made_pictures is None:
            if self.calibration:
                array = np.load(self.calibration).astype("float32")
            else:
                array = np.random.RandomState(0).randn(CALIBRATION_SAMPLES, *SHAPE).astype("float32")
            self.made_pictures = [sample[None] for sample in array]
        return self.made_pictures

    def samples(self) -> list[dict[str, np.ndarray]]:
        """Arrays by input of the ONNX model, one sample each."""
        names = input_names(self.out / "fp32.onnx")
        if self.given is None:
            if len(names) != 1:
                raise SystemExit(f"make_models: {self.model} has {len(names)} inputs: --samples")
            return [{names[0]: picture} for picture in self.pictures()]
        arrays = {name: np.load(self.given / f"{name}.npy") for name in names}
        return [{name: array[i:i + 1] for name, array in arrays.items()} for i in range(len(arrays[names[0]]))]

    def make_inputs(self, batches: list[int]):
        for batch in batches:
            folder = self.out / inputs.FOLDER / str(batch)
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self.given.glob("*.npy")):
                np.save(folder / path.name, np.repeat(np.load(path)[:1], batch, axis=0))

    def make(self, form: str):
        target = self.out / form
        if target.exists():
            return
        print(f"{self.model.name}: {form}", flush=True)
        if form == "float":
            target.symlink_to(self.model.resolve())
        elif form.startswith("int8") and self.given:
            command = [self.paddle, str(Path(__file__).with_name("paddle_ptq.py")), str(self.model), str(self.given), str(target)]
            subprocess.run(command + ["--old_format"] * (form == "int8_old"), check=True)
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
            np.save(data, np.concatenate(self.pictures()))
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

        class Reader(quantization.CalibrationDataReader):
            def __init__(self, samples):
                self.left = iter(samples)

            def get_next(self):
                return next(self.left, None)

        with tempfile.TemporaryDirectory() as folder:
            prepared = self.out / "fp32.onnx"
            if not self.given:  # it cannot work out the extents of transformers
                prepared = Path(folder, "prepared.onnx")
                shape_inference.quant_pre_process(str(self.out / "fp32.onnx"), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(str(prepared), str(target), Reader(self.samples()), per_channel=True,
                                         quant_format=quantization.QuantFormat.QDQ,
                                         activation_type=quantization.QuantType.QUInt8,
                                         weight_type=quantization.QuantType.QInt8,
                                         op_types_to_quantize=["MatMul", "Gemm"] if self.given else None)

    def quantise_for_openvino(self, target: Path):
        import nncf
        import openvino
        self.make("fp32.onnx")
        model = openvino.Core().read_model(str(self.out / "fp32.onnx"))
        samples = self.samples()
        kind = nncf.ModelType.TRANSFORMER if self.given else None
        quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples), model_type=kind)
        openvino.save_model(quantised, str(target))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--skiff", help="the command line of Skiff")
    parser.add_argument("--calibration", type=Path, help="array of samples; random ones if absent")
    parser.add_argument("--samples", type=Path, help="folder of NAME.npy for each input, where it is not one picture")
    parser.add_argument("--paddle", help="Python with Paddle, for --samples")
    parser.add_argument("--batches", default="1", help="that --samples is repeated for, separated by commas")
    parser.add_argument("--forms", default=",".join(FORMS), help="which, separated by commas")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = args.forms.split(",")
    if unknown := set(wanted) - set(FORMS):
        parser.error(f"no such form: {', '.join(sorted(unknown))}")
    if not (args.paddle if args.samples else args.skiff):
        parser.error("--skiff, or --samples and --paddle")
    maker = Maker(args.model_dir, args.out, args)
    if args.samples:
        maker.make_inputs([int(batch) for batch in args.batches.split(",")])
    for form in FORMS:
        if form in wanted:
            maker.make(form)


if __name__ == "__main__":
    main()
