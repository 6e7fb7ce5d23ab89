"""Damages every kernel in a cache folder: damage.py <folder> cut|change|empty. Fails if there is none."""

import pathlib
import sys

folder, how = sys.argv[1:]
entries = list(pathlib.Path(folder).glob("*.mho"))
assert entries, f"no kernels in {folder}"
for entry in entries:
    data = entry.read_bytes()
    half = len(data) // 2
    damaged = {
        "cut": data[:half],
        "change": data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :],
        "empty": b"",
    }
    entry.write_bytes(damaged[how])
