#!/usr/bin/env python3
"""Tests of the bench: what it computes and writes, and the protocol with its adapters, against one made for it."""

import ast
import json
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

import chart
import inputs
import layers
import mca
import results
import streams
import table
from adapter import Adapter, AdapterError
from contestants import Programs, Row, contestants, named_programs
from exclusive import Exclusive
from roofline import Machine, layer_ms, net_ms, weights

MEASURED = {"cpu": "a CPU",
            "peaks_per_cycle": {"avx2": {"fp32": {"fma": 16}, "int8": {"slow": 32, "fast": 40}}},
            "bandwidths": [{"level": "L1", "bytes": 1000, "bytes_per_cycle": 64, "gb_per_s": 1},
                           {"level": "L2", "bytes": 10000, "bytes_per_cycle": 32, "gb_per_s": 1},
                           {"level": "memory", "bytes": 0, "bytes_per_cycle": 1, "gb_per_s": 20}]}
ROW = Row("net", "int8", 1, 1, "avx2")

# Answers every round with its number; says goodbye at the third.
ADAPTER = """
import sys
print('{"load_ms": 1, "first_ms": 2, "version": "3"}', flush=True)
for number, line in enumerate(sys.stdin):
    if number == 2: sys.exit("no more")
    seconds, least = line.split()
    print('{"ms": [%d.5, %s]}' % (number, least), flush=True)
"""


def contestant(name: str, rounds: list[float]) -> dict:
    return {"name": name, "peer": name.split()[0], "version": "1", "rounds": rounds}


def record(*contestants_: dict, **fields) -> dict:
    return {"net": "net", "precision": "int8", "batch": 1, "threads": 1, "isa": "avx2",
            "machine": {"cpu": "a CPU", "supported_isas": ["scalar", "avx2"]}, "contestants": list(contestants_), **fields}


class ResultsTest(unittest.TestCase):
    def test_ratio_is_of_rounds_that_stand_together(self):
        # The machine slows down in the middle: medians of each alone would say 3.
        ours, other = contestant("skiff", [1, 2, 10]), contestant("openvino", [2, 6, 20])
        self.assertEqual(2, results.ratio(other, ours))

    def test_ratio_needs_as_many_rounds(self):
        with self.assertRaises(ValueError):
            results.ratio(contestant("a", [1]), contestant("b", [1, 2]))

    def test_spread(self):
        self.assertAlmostEqual(0.5, results.spread(contestant("a", [1, 1, 2, 3, 3])))
        self.assertEqual(0, results.spread(contestant("a", [7])))

    def test_fastest_of_each_peer(self):
        found = record(contestant("skiff", [1]), contestant("openvino qdq", [5]), contestant("openvino nncf", [4]),
                       contestant("paddle old", [9]))
        best = results.fastest_by_peer(found)
        self.assertEqual({"openvino": "openvino nncf", "paddle": "paddle old"}, {p: c["name"] for p, c in best.items()})
        self.assertEqual("openvino nncf", results.fastest_peer(found)["name"])
        self.assertIsNone(results.fastest_peer(record(contestant("skiff", [1]))))

    def test_the_last_record_of_a_row_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "results.jsonl")
            for found in (record(contestant("skiff", [1])), record(contestant("skiff", [2]), threads=2),
                          record(contestant("skiff", [3]))):
                results.append(file, found)
            self.assertEqual([3, 2], [results.median(found["contestants"][0]) for found in results.load(file)])


class RooflineTest(unittest.TestCase):
    machine = Machine.from_json(MEASURED, 2.0)

    def layer(self, **fields) -> dict:
        return {"op": "conv2d", "precision": "int8", "multiply_adds": 0, "activation_bytes": 0,
                "output_shape": [1, 8, 4, 4], **fields}

    def test_peak_is_the_best_chain_at_the_clock(self):
        self.assertEqual(80, self.machine.peak("avx2", "int8"))
        self.assertEqual(32, self.machine.peak("avx2", "bf16"))  # computed as floats

    def test_bandwidth_of_the_level_that_fits(self):
        self.assertEqual([128, 64, 20], [self.machine.bandwidth(b) for b in (1000, 1001, 10001)])

    def test_weights(self):
        self.assertEqual(8 * 3 * 9, weights(self.layer(multiply_adds=8 * 3 * 9 * 16)))
        self.assertEqual(50, weights(self.layer(op="mul", output_shape=[2, 10], multiply_adds=100)))
        self.assertEqual(0, weights(self.layer(op="pool2d", multiply_adds=5)))

    def test_weights_of_products(self):
        fc = self.layer(op="fc", output_shape=[2, 128, 3072], multiply_adds=2 * 128 * 3072 * 768)
        self.assertEqual(3072 * 768, weights(fc))
        attention = self.layer(op="matmul_v2", output_shape=[2, 12, 128, 128], multiply_adds=2 * 12 * 128 * 128 * 64)
        self.assertEqual(0, weights(attention))  # of two activations

    def test_the_longer_of_arithmetic_and_transport(self):
        busy = self.layer(multiply_adds=80_000_000, activation_bytes=100)
        self.assertAlmostEqual(1.0, layer_ms(self.machine, "avx2", busy, 100))
        moving = self.layer(op="relu", activation_bytes=40_000_000)
        self.assertAlmostEqual(2.0, layer_ms(self.machine, "avx2", moving, 100))
        self.assertAlmostEqual(3.0, net_ms(self.machine, "avx2", [busy, moving]), places=2)

    def test_weights_come_from_where_all_of_them_fit(self):
        fc = self.layer(op="mul", multiply_adds=20_000_000, output_shape=[1, 10])
        self.assertAlmostEqual(20 / 64, layer_ms(self.machine, "avx2", fc, 5000))
        self.assertAlmostEqual(1.0, layer_ms(self.machine, "avx2", fc, 20_000_000))

    def test_threads_share_the_arithmetic_and_not_the_weights(self):
        busy = self.layer(multiply_adds=80_000_000)
        self.assertAlmostEqual(0.5, layer_ms(self.machine, "avx2", busy, 100, threads=2))
        fc = self.layer(op="mul", multiply_adds=20_000_000, output_shape=[1, 10])
        self.assertAlmostEqual(1.0, layer_ms(self.machine, "avx2", fc, 20_000_000, threads=2))


class TableTest(unittest.TestCase):
    found = record(contestant("skiff", [2.0, 2.0]), contestant("openvino nncf", [3.0, 3.0]),
                   contestant("onnxruntime qdq", [4.0, 4.0]), clocks=[2.0],
                   profiles={"skiff": [{"op": "conv2d", "precision": "int8", "multiply_adds": 80_000_000,
                                        "activation_bytes": 100, "output_shape": [1, 8, 4, 4]}]})

    def test_row(self):
        self.assertEqual("| net | 2 | - | 4 (qdq) | 3 (nncf) | 1.50 | 0 % | 1 | 50 % |", table.row(self.found, MEASURED))

    def test_figures(self):
        self.assertEqual(["0.0123", "12.3", "1235"], [table.figure(ms) for ms in (0.01234, 12.34, 1234.5678)])

    def test_table_without_a_measured_machine(self):
        lines = table.table([self.found], None).splitlines()
        self.assertEqual("| net | 2 | - | 4 (qdq) | 3 (nncf) | 1.50 | 0 % |", lines[2])
        self.assertEqual(1, len({line.count("|") for line in lines}))

    def test_one_table_for_each_combination(self):
        text = table.document([self.found, {**self.found, "threads": 2}, {**self.found, "net": "other"}], MEASURED)
        self.assertEqual(2, text.count("**INT8, avx2"))
        self.assertIn("2 threads, batch 1", text)
        self.assertEqual(2, text.count("| net |"))

    def test_replaces_only_what_stands_between_the_marks(self):
        self.assertEqual("a<x>\nnew\n</x>b", table.replace_between("a<x>\nold\n</x>b", "<x>", "</x>", "new"))

    def test_chart_is_well_formed(self):
        drawn = xml.etree.ElementTree.fromstring(table.svg(next(iter(table.groups([self.found]))), [self.found], MEASURED))
        titles = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}title")]
        self.assertIn("net, Skiff: 500 samples/s", titles)
        self.assertIn("1000 samples/s", titles)  # the limit

    def test_chart_escapes_names(self):
        xml.etree.ElementTree.fromstring(chart.bars("a < b", [chart.Group("<&>", {"\"x\" & y": 1.0})]))


class LayersTest(unittest.TestCase):
    @staticmethod
    def layer(op: str, source: list[int], out: list[int], each: int, kernel: str = "k") -> dict:
        count = out[0] * out[1] * out[2] * out[3]
        return {"op": op, "input_shape": source, "output_shape": out, "multiply_adds": count * each, "kernel": kernel}

    def test_stem(self):
        found = layers.convolution(self.layer("conv2d", [1, 3, 224, 224], [1, 64, 112, 112], 3 * 49))
        self.assertEqual(layers.Convolution(1, 1, 3, 224, 224, 64, 112, 112, 7, 2, 2), found)

    def test_pointwise_with_stride(self):
        found = layers.convolution(self.layer("conv2d", [2, 256, 56, 56], [2, 512, 28, 28], 256))
        self.assertEqual((1, 2, 0), (found.kernel, found.stride, found.pad))

    def test_depthwise(self):
        layer = self.layer("depthwise_conv2d", [1, 32, 14, 14], [1, 32, 14, 14], 25)
        self.assertEqual((32, 5, 1, 2), (lambda c: (c.groups, c.kernel, c.stride, c.pad))(layers.convolution(layer)))
        self.assertEqual("14x14 32 -> 32, 5x5, depthwise", layers.shape_text(layer))

    def test_what_is_no_square_convolution(self):
        self.assertIsNone(layers.convolution(self.layer("conv2d", [1, 8, 9, 9], [1, 8, 9, 9], 8 * 3)))
        self.assertIsNone(layers.convolution(self.layer("pool2d", [1, 8, 9, 9], [1, 8, 9, 9], 8)))

    def test_medians_by_layer(self):
        self.assertEqual([2, None], layers.medians([[1, None], [2, None], [9, None]]))

    def test_table(self):
        rows = [self.layer("conv2d", [1, 8, 4, 4], [1, 8, 4, 4], 8), self.layer("relu", [1, 8, 4, 4], [1, 8, 4, 4], 0)]
        lines = layers.table(rows, {"new": [2.0, 0.0], "old": [4.0, 0.0]}, [3.0, None], [1.0, 0.0]).splitlines()
        self.assertEqual("| 0 | conv2d | 4x4 8 -> 8, 1x1 | k | 2.000 | 4.000 | 2.00 | 1.000 | 50 % | 3.000 | 1.50 |", lines[2])
        self.assertEqual("| 1 | relu | 1x8x4x4 | k | 0.000 | 0.000 | - | 0.000 | - | - | - |", lines[3])
        self.assertEqual("|  | all |  |  | 2.000 | 4.000 | 2.00 | 1.000 | 50 % | 3.000 | 1.50 |", lines[4])


class ContestantsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        for name in ("qdq.onnx", "nncf.xml", "fp32.onnx"):
            self.folder.joinpath(name).touch()
        self.programs = Programs({"skiff": "/bin/skiff"}, Path("/venvs"))

    def names(self, row: Row, highest: str) -> list[str]:
        return [c.name for c in contestants(row, self.folder, self.programs, highest)]

    def test_forms_that_are_there(self):
        self.assertEqual(["skiff", "onnxruntime qdq", "openvino qdq", "openvino nncf"], self.names(ROW, "avx2"))

    def test_what_cannot_be_capped_runs_on_the_highest_rung_only(self):
        self.assertNotIn("onnxruntime qdq", self.names(ROW, "amx"))

    def test_lower_caps_and_hints_where_they_may_pay(self):
        names = self.names(Row("net", "int8", 1, 1, "amx"), "amx")
        self.assertIn("openvino nncf bf16 <avx512_vnni", names)
        self.assertEqual(len(names), len(set(names)))

    def test_caps_reach_the_processes(self):
        skiff, *_, openvino = contestants(ROW, self.folder, self.programs, "amx")
        self.assertEqual("avx2", dict(skiff.environment)["SKIFF_ISA"])
        self.assertEqual("AVX2", dict(openvino.environment)["ONEDNN_MAX_CPU_ISA"])

    def test_inputs_reach_everyone(self):
        fed = self.folder / inputs.FOLDER
        fed.mkdir()
        for name in ("mask", "ids"):
            (fed / f"{name}.npy").touch()
        skiff, *peers = contestants(ROW, self.folder, self.programs, "avx2", fed)
        self.assertEqual(("--input", f"ids={fed}/ids.npy", "--input", f"mask={fed}/mask.npy"), skiff.command[-4:])
        for peer in peers:
            self.assertEqual(("--inputs", str(fed)), peer.command[-2:])

    def test_pictures_are_not_told(self):
        for contestant_ in contestants(ROW, self.folder, self.programs, "avx2"):
            self.assertFalse({"--input", "--inputs"} & set(contestant_.command))

    def test_names_of_builds(self):
        self.assertEqual({"skiff": "/a", "new": "/b", "skiff 3": "/c"}, named_programs(["/a", "new=/b", "/c"]))

    def test_skiff_alone(self):
        alone = Programs({"a": "x", "b": "y"}, None)
        self.assertEqual(["a", "b"], [c.name for c in contestants(ROW, self.folder, alone, "avx2")])


class InputsTest(unittest.TestCase):
    @staticmethod
    def npy(shape: tuple, data: bytes, version: int = 1, fortran: bool = False) -> bytes:
        header = repr({"descr": "<i2", "fortran_order": fortran, "shape": shape}).encode() + b"\n"
        return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 * version, "little") + header + data

    def test_repeated(self):
        found = inputs.repeated(self.npy((1, 2, 1), b"abcd"), 3)
        size = int.from_bytes(found[8:10], "little")
        self.assertEqual((b"\x93NUMPY\x01\x00", 0), (found[:8], (10 + size) % 64))
        header = ast.literal_eval(found[10:10 + size].decode())
        self.assertEqual({"descr": "<i2", "fortran_order": False, "shape": (3, 2, 1)}, header)
        self.assertEqual(b"abcdabcdabcd", found[10 + size:])
        self.assertEqual(found, inputs.repeated(self.npy((1, 2, 1), b"abcd", version=2), 3))

    def test_what_cannot_be_repeated(self):
        two, scalar, fortran = self.npy((2, 1), b"abcd"), self.npy((), b"ab"), self.npy((1, 2), b"abcd", fortran=True)
        for bad in (two, scalar, fortran, self.npy((1, 2), b"abcd")[:20], b""):
            with self.assertRaises(ValueError):
                inputs.repeated(bad, 2)

    def test_folder_of_a_batch(self):
        with tempfile.TemporaryDirectory() as network, tempfile.TemporaryDirectory() as out:
            self.assertIsNone(inputs.of_batch(Path(network), 2, Path(out)))
            source = Path(network, inputs.FOLDER, "ids.npy")
            source.parent.mkdir()
            source.write_bytes(self.npy((1, 2), b"abcd"))
            self.assertEqual(Path(out), inputs.of_batch(Path(network), 2, Path(out)))
            self.assertEqual(inputs.repeated(source.read_bytes(), 2), Path(out, "ids.npy").read_bytes())
            source.write_bytes(b"")
            with self.assertRaisesRegex(SystemExit, "ids.npy: no .npy file"):
                inputs.of_batch(Path(network), 2, Path(out))

    def test_nothing_for_a_picture(self):
        self.assertEqual((), inputs.skiff_arguments(None))


class AdapterTest(unittest.TestCase):
    def start(self, program: str) -> Adapter:
        adapter = Adapter("made", [sys.executable, "-c", program], {})
        self.addCleanup(adapter.close)
        return adapter

    def test_rounds(self):
        adapter = self.start(ADAPTER)
        self.assertEqual("3", adapter.wait_ready()["version"])
        self.assertEqual([0.5, 4], adapter.round(0.1, 4))
        self.assertEqual([1.5, 5], adapter.round(0.1, 5))
        with self.assertRaisesRegex(AdapterError, "made: it ended. no more"):
            adapter.round(0.1, 1)

    def test_last_words_of_one_that_cannot_load(self):
        with self.assertRaisesRegex(AdapterError, "no such model"):
            self.start("import sys; sys.exit('no such model')").wait_ready()


    def test_several_at_once(self):
        adapters = [self.start(ADAPTER), self.start(ADAPTER)]
        for adapter in adapters:
            adapter.wait_ready()
        self.assertAlmostEqual(2 / 1.75, streams.at_once(adapters, 0.1))  # each answers 0.5 and 3


class McaTest(unittest.TestCase):
    # A loop (2 to 1b) into whose midst the compiler put what surrounds it (8 to c), and one that multiplies nothing.
    DISASSEMBLY = """
0000000000000000 <void skiff::kernels::(anonymous namespace)::Run<skiff::kernels::(anonymous namespace)::Dot, 4>(long)>:
   0:\txor    %eax,%eax
   2:\tcmp    %rax,%rdi
   5:\tjg     e <void skiff::kernels::(anonymous namespace)::Run<4>(long)+0xe>
   8:\tmov    (%rsp),%rsi
   c:\tjmp    2 <void skiff::kernels::(anonymous namespace)::Run<4>(long)+0x2>
   e:\t{vex} vpdpbusd 0x0(%rip),%ymm1,%ymm2        # 20 <x>
  14:\tcall   20 <f>
  17:\tadd    $0x1,%rax
  1b:\tjne    2 <void skiff::kernels::(anonymous namespace)::Run<4>(long)+0x2>
  1d:\tret

0000000000000020 <f>:
  20:\tret
"""

    def setUp(self):
        (self.name, self.body), (other, self.empty) = mca.functions(self.DISASSEMBLY)
        self.assertEqual("f", other)

    def test_names_are_short(self):
        self.assertEqual("void Run<Dot, 4>(long)", self.name)

    def test_loop_is_the_shortest_way_that_multiplies(self):
        loop, = mca.innermost_loops(self.body)
        self.assertEqual([0x2, 0x5, 0xe, 0x14, 0x17, 0x1b], [instruction.address for instruction in loop])
        self.assertEqual(1, mca.multiplies(loop))

    def test_function_without_a_loop(self):
        self.assertEqual([], mca.innermost_loops(self.empty))

    def test_assembly_has_neither_calls_nor_addresses(self):
        text = mca.assembly(mca.innermost_loops(self.body)[0])
        self.assertEqual([".L:", "cmp    %rax,%rdi", "jg .L", "{vex} vpdpbusd 0x0(%rip),%ymm1,%ymm2", "add    $0x1,%rax", "jne .L"],
                         text.splitlines())

    def test_report(self):
        self.assertEqual(1208, mca.total_cycles("Iterations:        100\nTotal Cycles:      1208\n"))
        with self.assertRaises(ValueError):
            mca.total_cycles("error")


class ExclusiveTest(unittest.TestCase):
    def test_holds_the_wrapper_as_long_as_it_is_entered(self):
        with tempfile.TemporaryDirectory() as folder:
            mark = Path(folder, "held")
            wrapper = Path(folder, "wrapper.sh")
            wrapper.write_text(f'touch {mark}\n"$@"\nrm {mark}\n')
            with Exclusive(f"sh {wrapper}", 60):
                self.assertTrue(mark.exists())
            self.assertFalse(mark.exists())

    def test_a_wrapper_that_does_not_run_its_command(self):
        with self.assertRaises(RuntimeError):
            Exclusive("true", 60).__enter__()


class RecordTest(unittest.TestCase):
    def test_is_json_that_reads_back(self):
        chosen = contestants(ROW, Path("/nowhere"), Programs({"skiff": "x"}, None), "avx2")
        found = results.record(ROW, {"cpu": "a CPU"}, chosen, {"skiff": {"load_ms": 1.0}}, {"skiff": [1.0, 2.0]})
        self.assertEqual(found, json.loads(json.dumps(found)))
        self.assertEqual("net", found["net"])
        self.assertEqual(1.0, found["contestants"][0]["load_ms"])


if __name__ == "__main__":
    unittest.main()
