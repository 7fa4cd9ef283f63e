#!/usr/bin/env python3
"""ONNX Runtime's CPU provider: an ONNX file; the precision is the file's. See serve.py."""

import onnxruntime

import serve


def main():
    args = serve.arguments()

    def load():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
        session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
        arrays = serve.feed(args, [x.name for x in session.get_inputs()])
        return lambda: session.run(None, arrays)[0]

    serve.serve(load, onnxruntime.__version__)


if __name__ == "__main__":
    main()
