"""Runs mho-demo --quick and checks what it writes: end_to_end.py MHO_DEMO OUTPUT_FOLDER"""

import csv
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

demo, out = sys.argv[1:]
data = "/usr/share/datasets/fashion-mnist"
if not os.path.isdir(data):
    print(f"UNSUPPORTED: {data} is missing (package dataset-fashion-mnist)")
    sys.exit(0)
shutil.rmtree(out, ignore_errors=True)

run = subprocess.run([demo, "--quick", "--threads", "2", "--out", out], capture_output=True, text=True, timeout=600)
print(run.stdout, run.stderr, sep="\n")
assert run.returncode == 0, f"exit status {run.returncode}"
assert "images/s" in run.stdout and "s left" in run.stdout, "no progress line"

with open(os.path.join(out, "demo.csv"), newline="", encoding="ascii") as file:
    rows = list(csv.DictReader(file))
curves = {}
for row in rows:
    curves.setdefault(row["network"], []).append([float(row[k]) for k in ("weight_noise", "accuracy_mean", "accuracy_standard_error")])
assert set(curves) == {"digital", "hardware-aware"}, set(curves)
digital, aware = curves["digital"], curves["hardware-aware"]
assert [p[0] for p in digital] == [p[0] for p in aware] and len(digital) >= 5, "strengths differ"
# On a chip without weight noise both know the classes (chance is 10 %), also after this short training.
assert digital[0][1] > 60 and aware[0][1] > 60, (digital[0], aware[0])
# At the strongest noise the digital network has lost more than the hardware-aware one.
assert digital[0][1] - digital[-1][1] > aware[0][1] - aware[-1][1] + 3, (digital, aware)
# Chips differ from each other where the noise is strong enough to move one image of the thousand.
assert all(p[2] > 0 for p in digital + aware if p[0] >= 0.2), "no spread over noise draws"
plot = ElementTree.parse(os.path.join(out, "demo.svg"))
texts = [element.text for element in plot.iter("{http://www.w3.org/2000/svg}text")]
assert "digital, not on a chip" in texts and any("standard error, of 3 noise draws" in (text or "") for text in texts), texts
# The table has every strength of the plot.
for strength in (p[0] for p in digital):
    assert f"\n{strength:12.2f} " in run.stdout, strength

refused = subprocess.run([demo, "--data", "/nonexistent", "--out", out], capture_output=True, text=True)
assert refused.returncode == 1 and "dataset-fashion-mnist" in refused.stderr, refused.stderr
refused = subprocess.run([demo, "--epochs", "x"], capture_output=True, text=True)
assert refused.returncode == 2, refused.returncode
# A folder that cannot be made: its path and the remedy. A variable that is unknown.
refused = subprocess.run([demo, "--quick", "--out", "/dev/null/x"], capture_output=True, text=True)
assert refused.returncode == 1 and "'/dev/null/x'" in refused.stderr and "--out" in refused.stderr, refused.stderr
refused = subprocess.run([demo, "--quick"], capture_output=True, text=True, env={**os.environ, "MHO_CACHE_DIRS": "x"})
assert refused.returncode == 2 and "did you mean MHO_CACHE_DIR?" in refused.stderr, refused.stderr
# A failed compilation shows no frames of C++.
refused = subprocess.run([demo, "--quick", "--epochs", "1", "--out", out], capture_output=True, text=True,
                         env={**os.environ, "MHO_STOP_AFTER": "vector", "TMPDIR": out})
assert refused.returncode == 1 and "MHO_STOP_AFTER" in refused.stderr, refused.stderr
assert "frame #" not in refused.stderr and "Exception raised from" not in refused.stderr, refused.stderr
version = subprocess.run([demo, "--version"], capture_output=True, text=True)
assert version.returncode == 0 and version.stdout.startswith("mho-demo "), version
