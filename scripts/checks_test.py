#!/usr/bin/env python3
"""The checks find what they are there to find: each rule is broken once, in a tree made for it."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_includes
import check_isa
import check_text


class TreeTest(unittest.TestCase):
    """A git repository in a temporary folder."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        subprocess.run(["git", "init", "--quiet", str(self.root)], check=True)

    def write(self, name: str, text: str = "") -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


class IncludesTest(TreeTest):
    def setUp(self):
        super().setUp()
        for header in ("src/base/span.h", "src/graph/graph.h", "src/kernels/gemm/gemm.h",
                       "src/kernels/gemm/tile_avx2.h", "src/ops/op_def.h", "src/ops/relu/relu.h",
                       "src/ops/conv2d/conv2d_ref.h", "include/skiff/session.h"):
            self.write(header, "#pragma once\n")

    def check(self, file: str, include: str) -> list[str]:
        written = self.write(file, f"#include {include}\n")
        try:
            return check_includes.faults(self.root)
        finally:
            written.unlink()

    def assert_fault(self, file: str, include: str, expected: str):
        found = self.check(file, include)
        self.assertEqual(1, len(found), found)
        self.assertIn(f"{file}:1: ", found[0])
        self.assertIn(expected, found[0])

    def assert_clean(self, file: str, include: str):
        self.assertEqual([], self.check(file, include))

    def test_rooms_stand_on_earlier_rooms(self):
        self.assert_clean("src/plan/plan.cc", '"kernels/gemm/gemm.h"')
        self.assert_clean("src/session/session.cc", '"skiff/session.h"')

    def test_room_includes_a_later_one(self):
        self.assert_fault("src/kernels/gemm/gemm.cc", '"graph/graph.h"', "does not stand on")

    def test_public_header_of_a_later_room(self):
        self.assert_fault("src/graph/graph.cc", '"skiff/session.h"', "does not stand on")

    def test_room_without_a_row(self):
        self.write("src/attic/old.cc")
        self.assertIn("not in the table", check_includes.faults(self.root)[0])

    def test_missing_header(self):
        self.assert_fault("src/base/a.cc", '"base/gone.h"', "no such file")

    def test_operator_includes_its_own_and_the_room(self):
        self.assert_clean("src/ops/relu/relu.cc", '"ops/relu/relu.h"')
        self.assert_clean("src/ops/relu/relu.cc", '"ops/op_def.h"')

    def test_operator_includes_another(self):
        self.assert_fault("src/ops/conv2d/conv2d.cc", '"ops/relu/relu.h"', "nothing of each other")

    def test_reference_is_for_tests_of_kernels(self):
        self.assert_clean("src/kernels/gemm/gemm_test.cc", '"ops/conv2d/conv2d_ref.h"')
        self.assert_fault("src/kernels/gemm/gemm.cc", '"ops/conv2d/conv2d_ref.h"', "does not stand")

    def test_intrinsics_only_in_isa_files(self):
        self.assert_clean("src/kernels/gemm/gemm_avx2.cc", "<immintrin.h>")
        self.assert_fault("src/kernels/gemm/gemm.cc", "<immintrin.h>", "intrinsics belong")
        self.assert_clean("src/kernels/gemm/gemm_sse2.cc", "<emmintrin.h>")
        self.assert_fault("src/kernels/gemm/gemm.cc", "<emmintrin.h>", "intrinsics belong")
        self.assert_fault("src/kernels/gemm/gemm_sse2.cc", "<immintrin.h>", "intrinsics belong")

    def test_isa_file_includes_little_else(self):
        self.assert_fault("src/kernels/gemm/gemm_avx2.cc", "<vector>", "may include only")
        self.assert_fault("src/kernels/gemm/gemm_avx512_vnni.cc", '"base/span.h"', "may include only")

    def test_isa_file_reaches_a_container(self):
        self.write("src/kernels/gemm/plan.h", "#pragma once\n#include <vector>\n")
        found = self.check("src/kernels/gemm/gemm_avx2.cc", '"kernels/gemm/plan.h"')
        self.assertEqual(1, len(found), found)
        self.assertIn("plan.h:2: vector: reaches gemm_avx2.cc", found[0])

    def test_isa_header_stays_with_isa_files(self):
        self.assert_clean("src/kernels/gemm/gemm_avx2.cc", '"kernels/gemm/tile_avx2.h"')
        self.assert_fault("src/kernels/gemm/gemm.cc", '"kernels/gemm/tile_avx2.h"', "compiled for avx2")

    def test_libraries_have_a_room(self):
        self.assert_clean("src/onednn/conv.cc", "<dnnl.hpp>")
        self.assert_fault("src/steps/conv.cc", '"dnnl.hpp"', "only onednn")
        self.assert_fault("src/base/status.cc", "<gtest/gtest.h>", "only tests")


class IsaTest(TreeTest):
    def compile(self, name: str, text: str, *flags: str) -> list[str]:
        source = self.write(name, text)
        target = source.with_name(name + ".o")
        subprocess.run(["g++", "-O1", "-c", *flags, str(source), "-o", str(target)], check=True)
        return check_isa.object_faults(target)

    def test_baseline(self):
        code = """#include <vector>
        unsigned long long f(const std::vector<float>& v, float a) {
          unsigned lo, hi;
          asm("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
          asm volatile("cpuid" ::: "eax", "ebx", "ecx", "edx");
          float s = 0;
          for (float x : v) s += a * x;
          return lo + static_cast<unsigned long long>(s);
        }"""
        self.assertEqual([], self.compile("plain.cc", code))

    def test_avx_in_a_baseline_object(self):
        found = self.compile("leak.cc", "float f(float a, float b) { return a + b; }", "-mavx")
        self.assertIn("vex instruction", found[0])

    def test_sse4_in_a_baseline_object(self):
        code = "unsigned f(unsigned a) { return __builtin_popcount(a); }"
        self.assertIn("sse instruction", self.compile("leak.cc", code, "-mpopcnt")[0])

    def test_avx512_in_an_avx2_object(self):
        code = "void f(float* a) { for (int i = 0; i < 64; ++i) a[i] += 1; }"
        flags = ("-O3", "-mavx512f", "-mprefer-vector-width=512")
        self.assertIn("evex instruction", self.compile("sum_avx2.cc", code, *flags)[0])

    def test_weak_symbol_in_an_isa_object(self):
        code = """namespace helper { __attribute__((noinline)) inline int Twice(int a) { return 2 * a; } }
        namespace skiff::avx2 { int F(int a) { return helper::Twice(a); } }"""
        found = self.compile("f_avx2.cc", code, "-mavx2")
        self.assertEqual(1, len(found), found)
        self.assertIn("_ZN6helper5TwiceEi", found[0])

    def test_weak_symbol_in_its_namespace(self):
        code = """namespace skiff::avx2 {
        template <int n> __attribute__((noinline)) int Times(int a) { return n * a; }
        int F(int a) { return Times<3>(a); }
        }"""
        self.assertEqual([], self.compile("f_avx2.cc", code, "-mavx2"))

    def test_argument_in_the_namespace_is_not_enough(self):
        self.assertEqual(["helper", "Get"], check_isa.namespaces("_ZN6helper3GetIN5skiff4avx24TileEEEvv"))
        self.assertEqual(["skiff", "avx2", "F"], check_isa.namespaces("_ZN5skiff4avx21FEv"))
        self.assertEqual(["skiff", "avx2", "F"], check_isa.namespaces("_ZZN5skiff4avx21FEvE1x"))


class TextTest(TreeTest):
    def assert_fault(self, name: str, text: str, expected: str):
        self.write(name, text)
        found = check_text.faults(self.root)
        self.assertEqual(1, len(found), found)
        self.assertIn(expected, found[0])

    def test_clean(self):
        self.write("src/a.cc", "int a;  // work/life, /usr/bin\n")
        self.assertEqual([], check_text.faults(self.root))

    def test_long_file(self):
        self.assert_fault("src/a.cc", "int a;\n" * 501, "split it")

    def test_unfinished(self):
        self.assert_fault("src/a.cc", "// TO" "DO: more\n", "a.cc:1: unfinished")

    def test_machine_path(self):
        self.assert_fault("docs/a.md", "see /ho" "me/me/notes\n", "machine")

    def test_blanks(self):
        self.assert_fault("src/a.cc", "int a; \n", "trailing")
        self.assert_fault("src/a.cc", "\tint a;\n", "tab")

    def test_large_file(self):
        self.assert_fault("model.bin", "x" * ((20 << 20) + 1), "20 MiB")


class FormatTest(TreeTest):
    def test_unformatted_file(self):
        here = Path(__file__).parent
        self.write("scripts/check_format.sh", (here / "check_format.sh").read_text())
        self.write(".clang-format", (here.parent / ".clang-format").read_text())
        self.write("src/a.cc", "int  a ;\n")
        subprocess.run(["git", "-C", str(self.root), "add", "."], check=True)
        command = ["bash", str(self.root / "scripts/check_format.sh")]
        self.assertNotEqual(0, subprocess.run(command, capture_output=True).returncode)
        subprocess.run([*command, "--fix"], check=True)
        self.assertEqual("int a;\n", (self.root / "src/a.cc").read_text())
        self.assertEqual(0, subprocess.run(command, capture_output=True).returncode)


if __name__ == "__main__":
    unittest.main()
