"""Writes the .npy files that run.mlir and run-storage.mlir read into a new folder: arrays.py <folder>."""

import pathlib
import sys

import numpy

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
x = numpy.array([[1, 2, 3], [4, 5, 6]], numpy.float32)
numpy.save(folder / "x.npy", x)
numpy.save(folder / "x_fortran.npy", numpy.asfortranarray(x.astype(numpy.float64)))
numpy.save(folder / "w.npy", numpy.array([[1, 2, 3]], numpy.float32))
numpy.save(folder / "half.npy", numpy.array([[2050, -3 * 2**-24, 0.1]], numpy.float16))
numpy.save(folder / "beta.npy", numpy.array([4], numpy.float32))
numpy.save(folder / "key.npy", numpy.array([2**40 + 1, 7], numpy.int64))
numpy.save(folder / "complex.npy", x.astype(numpy.complex64))
(folder / "short.npy").write_bytes((folder / "x.npy").read_bytes()[:-16])
(folder / "text.npy").write_text("x = 1, 2, 3\n")
