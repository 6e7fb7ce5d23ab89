"""Writes w.npy into a new folder, whole numbers of which each row of each tile has the largest: codes.py <folder> <rows> <inputs>
<inputs of a tile> <largest>."""

import pathlib
import sys

import numpy

folder = pathlib.Path(sys.argv[1])
rows, inputs, tile, largest = map(int, sys.argv[2:])
folder.mkdir(parents=True, exist_ok=True)
w = numpy.random.default_rng(1).integers(-largest, largest, (rows, inputs), endpoint=True).astype(numpy.float32)
w[:, ::tile] = largest
numpy.save(folder / "w.npy", w)
