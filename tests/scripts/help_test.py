"""Every script prints its help from any folder, wherever --help stands, and refuses what it does not know before it does anything."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCRIPTS = ("build", "demo", "lint", "setup", "test")


class HelpTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tree)
        self.scripts = os.path.join(self.tree, "scripts")
        shutil.copytree(os.path.join(ROOT, "scripts"), self.scripts, ignore=shutil.ignore_patterns("__pycache__"))
        # What is not about the command line shows itself: set-up, build and tests leave a mark.
        self.mark = os.path.join(self.tree, "worked")
        for tool in ("cmake", "ctest", "apt-get", "dpkg-query", "sudo"):
            self.stub(tool)

    def stub(self, name):
        os.makedirs(os.path.join(self.tree, "bin"), exist_ok=True)
        path = os.path.join(self.tree, "bin", name)
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\necho {name} >> {self.mark}\n")
        os.chmod(path, 0o755)

    def run_script(self, name, *options, cwd=None):
        result = subprocess.run([f"./{name}" if cwd else os.path.join(self.scripts, name), *options], cwd=cwd, text=True, timeout=60,
                                capture_output=True, env={"PATH": os.path.join(self.tree, "bin") + ":/usr/bin:/bin", "PIP_NO_INDEX": "1"})
        self.assertFalse(os.path.exists(self.mark), f"{name} {options} began to work")
        return result

    def test_help_from_any_folder(self):
        for name in SCRIPTS:
            for cwd in (self.scripts, None):
                result = self.run_script(name, "--help", cwd=cwd)
                self.assertEqual((result.returncode, result.stderr), (0, ""), name)
                self.assertIn(f"scripts/{name}", result.stdout)

    def test_help_anywhere(self):
        for name, words in (("build", ["mho", "--help"]), ("demo", ["--quick", "--help"]), ("lint", ["-f", "--help"]),
                            ("setup", ["--with-tests", "-h"]), ("test", ["-R", "x", "--help"]), ("test", ["--preset", "asan", "-h"])):
            result = self.run_script(name, *words)
            self.assertEqual(result.returncode, 0, name)
            self.assertIn(f"scripts/{name}", result.stdout)

    def test_unknown_options(self):
        for name, words in (("build", ["--fast"]), ("demo", ["--speed", "3"]), ("demo", ["--epochs", "2", "extra"]), ("lint", ["-f", "--fast"]),
                            ("setup", ["--fast"]), ("test", ["--fast"]), ("test", ["-R", "x", "Philox"])):
            result = self.run_script(name, *words)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn(f"see scripts/{name} --help", result.stderr)

    def test_values_are_needed(self):
        for name, words in (("build", ["--preset"]), ("test", ["-R"]), ("demo", ["--epochs"])):
            result = self.run_script(name, *words)
            self.assertNotEqual(result.returncode, 0, name)
            self.assertIn("needs a ", result.stderr)

    def test_unknown_preset(self):
        for name in ("build", "test"):
            self.assertIn("unknown preset 'quick'; there are: release dev asan", self.run_script(name, "--preset", "quick").stderr)


if __name__ == "__main__":
    unittest.main()
