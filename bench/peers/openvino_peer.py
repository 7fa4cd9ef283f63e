#!/usr/bin/env python3
"""OpenVINO's CPU plugin: an ONNX file or an .xml; what stays float is computed in f32, or bf16. See serve.py."""

import openvino

import serve


def main():
    args = serve.arguments()

    def load():
        core = openvino.Core()
        model = core.read_model(args.model)
        arrays = serve.feed(args, [x.any_name for x in model.inputs])
        model.reshape({name: list(x.shape) for name, x in arrays.items()})
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": args.threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "bf16" if args.precision == "bf16" else "f32"})
        request = compiled.create_infer_request()
        for name, x in arrays.items():
            request.set_tensor(name, openvino.Tensor(x))

        def run():
            request.infer()
            return request.get_output_tensor(0).data

        return run

    serve.serve(load, openvino.__version__.split("-")[0])


if __name__ == "__main__":
    main()
