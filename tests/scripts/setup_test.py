"""scripts/setup names what is missing and how to get it. Debian and PyPI are replaced by stubs: nothing is installed here."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tree)
        shutil.copytree(os.path.join(ROOT, "scripts"), os.path.join(self.tree, "scripts"), ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(os.path.join(self.tree, "bin"))
        for tool in ("bash", "awk", "dirname", "sort", "comm", "xargs", "cat", "uniq", "echo", "df", "rm"):
            os.symlink(shutil.which(tool), os.path.join(self.tree, "bin", tool))
        self.stub("id", "echo 1000")

    def stub(self, name, body):
        path = os.path.join(self.tree, "bin", name)
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!{shutil.which('bash')}\n{body}\n")
        os.chmod(path, 0o755)

    def all_packages_installed(self):
        self.stub("dpkg-query", 'shift 3; for p in "$@"; do echo "$p installed"; done')

    def wheel(self, name, record=True):
        folder = os.path.join(self.tree, ".venv/lib/python3.11/site-packages", name + ".dist-info")
        os.makedirs(folder)
        if record:
            open(os.path.join(folder, "RECORD"), "w", encoding="ascii").close()

    def setup(self, *options):
        script = os.path.join(self.tree, "scripts", "setup")
        result = subprocess.run([shutil.which("bash"), script, *options], capture_output=True, text=True,
                                env={"PATH": os.path.join(self.tree, "bin")})
        return result.returncode, result.stdout + result.stderr

    def test_nothing_missing(self):
        self.all_packages_installed()
        self.wheel("torch-2.13.0")
        self.assertEqual(self.setup(), (0, "== set-up: nothing is missing\n"))

    def test_neither_root_nor_sudo(self):
        self.stub("dpkg-query", 'echo "cmake installed"; echo "ccache config-files"; exit 1')
        status, output = self.setup()
        self.assertEqual(status, 1)
        self.assertIn("neither root nor sudo", output)
        self.assertIn("libmlir-19-dev", output)
        self.assertIn(" ccache ", output)
        self.assertNotIn(" cmake ", output)
        self.assertIn("sudo apt-get update && sudo apt-get install", output)
        self.assertIn("torch==2.13.0", output)

    def test_package_cannot_be_had(self):
        self.stub("dpkg-query", "exit 1")
        self.stub("sudo", 'case "$*" in *install*) echo "E: Unable to locate package"; exit 100;; esac')
        status, output = self.setup()
        self.assertEqual(status, 1)
        self.assertIn("apt-get install failed", output)
        self.assertIn("missing from Debian: ccache", output.replace("ca-certificates ", ""))

    def test_interrupted_wheel_counts_as_missing(self):
        self.all_packages_installed()
        self.wheel("torch-2.13.0", record=False)
        status, output = self.setup("--check")
        self.assertEqual(status, 1)
        self.assertIn("missing from PyPI: torch==2.13.0", output)

    def test_other_version_counts_as_missing(self):
        self.all_packages_installed()
        self.wheel("torch-2.12.0")
        self.assertEqual(self.setup("--check")[0], 1)

    def test_test_requirements(self):
        self.all_packages_installed()
        self.wheel("torch-2.13.0")
        status, output = self.setup("--with-tests", "--check")
        self.assertEqual(status, 1)
        self.assertIn("aihwkit-lightning==2.1.0", output)
        self.assertNotIn("PyPI: torch", output)

    def test_everything_is_pinned(self):
        """pip is told the versions of what the requirements need themselves."""
        self.all_packages_installed()
        pip = os.path.join(self.tree, ".venv", "bin", "python")
        os.makedirs(os.path.dirname(pip))
        self.stub("python-stub", f'echo "$*" >> {self.tree}/pip.log')
        os.rename(os.path.join(self.tree, "bin", "python-stub"), pip)
        status, output = self.setup()
        with open(os.path.join(self.tree, "pip.log"), encoding="utf-8") as log:
            install = [line for line in log if "install" in line]
        self.assertEqual(len(install), 1, output)
        self.assertIn("-c scripts/constraints.txt torch==2.13.0", install[0])
        self.assertEqual(status, 1) # the stub installs nothing, and set-up notices
        self.assertIn("pip install -c scripts/constraints.txt torch==2.13.0", output)

    def test_constraints(self):
        """Each is one exact version, and none contradicts a requirement."""
        versions = {}
        for name in ("constraints", "requirements", "requirements-test"):
            with open(os.path.join(ROOT, "scripts", name + ".txt"), encoding="utf-8") as file:
                for line in file:
                    if line.strip() and not line.startswith("#"):
                        package, version = line.strip().split("==")
                        key = package.lower().replace("_", "-")
                        self.assertEqual(versions.setdefault(key, version), version, package)
        for package in ("torch", "sympy", "triton", "nvidia-cuda-nvrtc", "tqdm", "setuptools"):
            self.assertIn(package, versions)

    def test_unknown_option(self):
        self.assertEqual(self.setup("--everything")[0], 1)


if __name__ == "__main__":
    unittest.main()
