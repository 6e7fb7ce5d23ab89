"""The parts of bench/cuda_static.py."""
