"""Copies the .cu files of a folder of MHO_DUMP_DIR, with one change.

    edit_cuda.py DUMP TO           every kernel writes 1000
    edit_cuda.py DUMP TO --break   one line is no CUDA C++
"""

import pathlib
import sys

dump, to = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for path in dump.glob("*.cu"):
    text = path.read_text()
    # The two functions that store a value and two neighbours.
    for arguments, values in (("float value", "value"), ("float first, float second", "first = second")):
        marker = f"mho::Place &p, int behind, {arguments}) {{\n"
        assert marker in text, f"{path.name} has no function of ({arguments})"
        change = "no_such_function();" if "--break" in sys.argv else f"{values} = 1000.0f;"
        text = text.replace(marker, marker + change + "\n")
    (to / path.name).write_text(text)
