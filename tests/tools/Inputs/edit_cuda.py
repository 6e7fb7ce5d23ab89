"""Copies the .cu files of a folder of MHO_DUMP_DIR, with one change.

    edit_cuda.py DUMP TO           every kernel writes 1000
    edit_cuda.py DUMP TO --break   one line is no CUDA C++
"""

import pathlib
import sys

dump, to = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for path in dump.glob("*.cu"):
    text = path.read_text()
    marker = "mho::Place &p, float value) {\n"
    assert marker in text
    change = "no_such_function();" if "--break" in sys.argv else "value = 1000.0f;"
    (to / path.name).write_text(text.replace(marker, marker + change + "\n"))
