#!/usr/bin/env python3
"""Makes the answers of real Paddle for one operator folder: tests/golden/ops/<folder>/.

usage: make_op_goldens.py FOLDER...        (needs paddlepaddle 2.6.2 and numpy)

scripts/golden/op_cases/<folder>.py declares the cases of src/ops/<folder>: a function
`build(model)` that adds feeds, parameters and operators. All cases of a folder are one small Paddle
model whose outputs are the cases' results, run by Paddle's own executor with oneDNN and graph
optimisation off. Written per folder:

  inference.pdmodel, inference.pdiparams   the model
  in.<feed>.npy                            what was fed
  out.<index>.npy                          what Paddle answered, by fetch index
  cases.txt                                "<index> <tolerance> <description>" per output; tolerance
                                           bounds max|got - want| / max|want| (0: equal)
"""
import importlib.util
import pathlib
import shutil
import sys

import numpy as np
import paddle
from paddle.base import framework
from paddle.static.io import append_fetch_ops, prepend_feed_ops

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Model:
    """A static program under construction and the arrays that belong to it."""

    def __init__(self):
        self.program = paddle.static.Program()
        self.block = self.program.global_block()
        self.scope = paddle.static.Scope()
        self.rng = np.random.RandomState(2024)
        self.feeds = {}      # name -> array
        self.params = {}     # name -> array
        self.fetches = []    # (variable, tolerance, description)

    def normal(self, *shape, scale=1.0):
        """Float32 noise; the stream is fixed, so that a folder is made the same each time."""
        return (self.rng.standard_normal(shape) * scale).astype("float32")

    def integers(self, low, high, *shape, dtype="int64"):
        return self.rng.randint(low, high, shape).astype(dtype)

    def feed(self, name, array, dims=None):
        """An input of the model. `dims` are the declared extents (-1 allowed), array.shape if None."""
        array = np.asarray(array)
        self.feeds[name] = array
        return self.block.create_var(
            name=name, shape=list(array.shape if dims is None else dims), dtype=str(array.dtype),
            need_check_feed=True, stop_gradient=True, is_data=True)

    def param(self, array, name=None):
        """A parameter holding `array`."""
        array = np.asarray(array)
        name = name or f"param_{len(self.params)}"
        self.params[name] = array
        return self.block.create_parameter(
            name=name, shape=list(array.shape) or [1], dtype=str(array.dtype), trainable=False)

    def op(self, op_type, inputs, outputs, attrs=None):
        """Appends one operator. `inputs`: slot -> variable or list. `outputs`: slot -> dtype, or a
        list of dtypes for a slot of several. Returns the variables: one, or slot -> variable(s)."""
        made = {}
        for slot, dtypes in outputs.items():
            several = isinstance(dtypes, (list, tuple))
            variables = [
                self.block.create_var(
                    name=f"{op_type}_{len(self.block.vars)}.{slot}", dtype=dtype,
                    persistable=False, stop_gradient=True)
                for dtype in (dtypes if several else [dtypes])]
            made[slot] = variables if several else variables[0]
        wrap = lambda v: v if isinstance(v, (list, tuple)) else [v]
        self.block.append_op(
            type=op_type, inputs={s: wrap(v) for s, v in inputs.items()},
            outputs={s: wrap(v) for s, v in made.items()}, attrs=dict(attrs or {}))
        return next(iter(made.values())) if len(made) == 1 else made

    def fetch(self, variable, description, tolerance=1e-4):
        self.fetches.append((variable, tolerance, description))

    def case(self, op_type, inputs, outputs=None, attrs=None, note="", tolerance=1e-4, fetch=None):
        """One operator whose outputs (all, or those of the slots in `fetch`) are golden."""
        outputs = outputs or {"Out": "float32"}
        made = self.op(op_type, inputs, outputs, attrs)
        by_slot = made if isinstance(made, dict) else {next(iter(outputs)): made}
        words = [op_type] + ([note] if note else []) + [
            f"{k}={v}".replace(" ", "") for k, v in (attrs or {}).items()]
        for slot, variables in by_slot.items():
            if fetch is not None and slot not in fetch:
                continue
            for i, variable in enumerate(variables if isinstance(variables, list) else [variables]):
                which = slot if not isinstance(variables, list) else f"{slot}[{i}]"
                self.fetch(variable, " ".join(words + [f"-> {which}"]), tolerance)
        return made


def drop_callstacks(program):
    for i in range(program.num_blocks):
        for op in program.block(i).ops:
            if op.has_attr("op_callstack"):
                op._remove_attr("op_callstack")


def save(model, folder):
    """Writes the model's two files."""
    program = model.program
    prepend_feed_ops(program, list(model.feeds))
    append_fetch_ops(program, [v.name for v, _, _ in model.fetches])
    drop_callstacks(program)
    program = program._remove_training_info(clip_extra=True)
    drop_callstacks(program)
    (folder / "inference.pdmodel").write_bytes(program.desc.serialize_to_string())
    executor = paddle.static.Executor(paddle.CPUPlace())
    with paddle.static.scope_guard(model.scope):
        for name, array in model.params.items():
            model.scope.var(name).get_tensor().set(
                array.reshape(array.shape or (1,)), paddle.CPUPlace())
        parameters = [model.block.var(name) for name in sorted(model.params)]
        paddle.static.save_vars(executor, str(folder), vars=parameters,
                                filename="inference.pdiparams")


def run(model, folder):
    """The saved files through Paddle's predictor."""
    config = paddle.inference.Config(
        str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.switch_ir_optim(False)
    config.disable_mkldnn()
    config.disable_glog_info()
    predictor = paddle.inference.create_predictor(config)
    for name in predictor.get_input_names():
        predictor.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(model.feeds[name]))
    predictor.run()
    return [predictor.get_output_handle(name).copy_to_cpu()
            for name in predictor.get_output_names()]


def make(name):
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "scripts/golden/op_cases" / f"{name}.py")
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    model = Model()
    with framework.program_guard(model.program):
        cases.build(model)
        if not model.params:  # Paddle refuses to load a parameter file with nothing in it
            model.param(np.zeros(1, "float32"), "unused")
    folder = ROOT / "tests/golden/ops" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(model, folder)
    results = run(model, folder)
    if len(results) != len(model.fetches):
        raise RuntimeError(f"{name}: {len(model.fetches)} outputs declared, {len(results)} fetched")
    for feed, array in model.feeds.items():
        np.save(folder / f"in.{feed}.npy", array)
    lines = []
    for i, (array, (_, tolerance, description)) in enumerate(zip(results, model.fetches)):
        np.save(folder / f"out.{i}.npy", array)
        exact = array.dtype.kind in "iub"
        lines.append(f"{i} {0 if exact else tolerance:g} {description}\n")
    (folder / "cases.txt").write_text("".join(lines))
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: {len(results)} outputs, {size / 1024:.0f} KiB")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    paddle.enable_static()
    for folder_name in sys.argv[1:]:
        make(folder_name)
