"""scripts/lint must find what it forbids, correct what it can, and pass a clean tree."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CLEAN = "#pragma once\n\nint f();\n"


class LintTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tree)
        shutil.copytree(os.path.join(ROOT, "scripts"), os.path.join(self.tree, "scripts"), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.tree)

    def write(self, path, content):
        path = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def lint(self, *options):
        result = subprocess.run([os.path.join(self.tree, "scripts", "lint"), *options], capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr

    def assert_refused(self, path, content, message):
        written = self.write(path, content)
        status, output = self.lint()
        self.assertEqual(status, 1, output)
        self.assertIn(message, output)
        self.assertIn(path, output)
        os.remove(written)

    def test_clean_tree(self):
        self.write("lowering/a.h", CLEAN)
        self.assertEqual(self.lint(), (0, "lint: clean\n"))

    def test_forbidden_things(self):
        self.assert_refused("lowering/a.cpp", "int  f( );\n", "not formatted")
        self.assert_refused("docs/a.md", "text \n", "white space")
        self.assert_refused("lowering/a.cpp", "// TO" + "DO: later\n", "to-do")
        self.assert_refused("lowering/a.cpp", 'auto *x = getenv("X");\n', "environment")
        self.assert_refused("runtime/a.cpp", "#include <torch/types.h>\n", "torch headers")
        self.assert_refused("frontends/torch/a.h", '#pragma once\n#include "mlir/IR/Value.h"\n', "public frontend header")
        self.assert_refused("docs/a.md", "see /ho" + "me/somebody/notes\n", "machine")
        self.assert_refused("lowering/a.h", "int f();\n", "no #pragma once")
        for path in ("lowering/a.cpp", "tests/a.mlir", "scripts/a", "tests/a.py"):
            self.assert_refused(path, "// f()\n" * 501, "longer than 500 lines")

    def test_examples_of_passes(self):
        passes = 'def A : Pass<"a-pass"> {\n  (* example filepath=tests/a.mlir *)\n}\n'
        self.assert_refused("lowering/Passes.td", passes, "there is no tests/a.mlir")
        self.write("tests/a.mlir", "// RUN: mho-opt --a-pass-too %s\n")
        self.assert_refused("lowering/Passes.td", passes, "no RUN line of tests/a.mlir has --a-pass")
        self.write("tests/a.mlir", "// RUN: mho-opt --a-pass=isa=avx2 %s\n")
        self.write("lowering/Passes.td", passes)
        self.assertEqual(self.lint(), (0, "lint: clean\n"))

    def test_labels_of_constraints(self):
        self.write("dialect/IR/a.cpp", "// absmax_c1\n// noisy_backward_c2\n")
        self.write("tests/dialect/invalid.mlir", "// absmax_c1, noisy_backward_c22\n")
        status, output = self.lint()
        self.assertEqual(status, 1, output)
        self.assertIn("negative test", output)
        self.assertIn("noisy_backward_c2", output)
        self.assertNotIn("absmax", output)

    def test_exceptions(self):
        self.write("runtime/Knobs.cpp", 'auto *x = getenv("X");\n')
        self.write("frontends/torch/a.cpp", "#include <torch/types.h>\n// TO" + "DO(#12): later\n")
        self.assertEqual(self.lint()[0], 0)

    def test_fix(self):
        path = self.write("lowering/a.cpp", "int  f( );   \n")
        self.assertEqual(self.lint("-f")[0], 0)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "int f();\n")

    @unittest.skipUnless(shutil.which("git"), "git is missing")
    def test_ignored_files_of_a_repository(self):
        subprocess.run(["git", "init", "-q", self.tree], check=True)
        self.write(".gitignore", "/out/\n")
        self.write("out/a.cpp", "int  f( );\n")
        self.assertEqual(self.lint()[0], 0)
        self.assert_refused("lowering/new.cpp", "int  f( );\n", "not formatted")

    def test_unknown_option(self):
        self.assertEqual(self.lint("--fix-it")[0], 1)


if __name__ == "__main__":
    unittest.main()
