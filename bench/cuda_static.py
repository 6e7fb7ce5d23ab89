#!/usr/bin/env python3
"""What can be said of the CUDA kernels without a GPU: a static model, and no measurement.

  cuda_static.py count FILE.cubin|FILE.cu|FILE.sass   instructions of a kernel, by class and by loop

`cuda_static.py COMMAND --help` tells more.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

from cuda_static import count, flow, nvrtc, sass
from cuda_static.sass import Missing

COUNT_HELP = """
Prints how many instructions of machine code a kernel executes, by class of opcode and by loop, per output.

The cubin is disassembled (nvdisasm -c) and cut into basic blocks and natural loops, L1, L2, ... in the order of
addresses. A warp's count is the sum over blocks of its instructions times the turns of the loops around it; all lanes of
a warp issue together, and an instruction that its predicate turns off is issued too, so that a thread-instruction
is a warp instruction times 32. One turn of the tile loop counts: the outermost loop with tensor instructions.

Both sides of a condition count, unless --skip drops one: name a label or an address of the listing (--listing).
A .cu file is compiled with the options of the runtime; `#include "mho_prelude.cuh"` is --prelude, by default that of
`mho explain "" --cuda=prelude` (--mho, MHO).
"""


def trip(text):
    name, _, turns = text.partition("=")
    if not turns.isdigit():
        raise argparse.ArgumentTypeError(f"expected LOOP=COUNT, got '{text}'")
    return name, int(turns)


def prelude_text(arguments):
    if arguments.prelude:
        return pathlib.Path(arguments.prelude).read_text()
    return subprocess.run([arguments.mho, "explain", "", "--cuda=prelude"], capture_output=True, text=True, check=True).stdout


def listing_of(arguments):
    """The disassembly of the file that is to be counted, whatever it is."""
    file = pathlib.Path(arguments.file)
    if file.suffix == ".sass":
        return file.read_text()
    if file.suffix != ".cu":
        return sass.disassemble(file)
    text = file.read_text()
    headers = [("mho_prelude.cuh", prelude_text(arguments))] if "mho_prelude.cuh" in text else []
    compiled = nvrtc.compile_cuda(text, arguments.arch, headers, arguments.option)
    print(f"{arguments.arch}, {compiled.milliseconds:.0f} ms, {len(compiled.cubin)} bytes of cubin")
    print("\n".join(line for line in compiled.log.splitlines() if "spill" in line or "Used" in line or "entry" in line))
    with tempfile.NamedTemporaryFile(suffix=".cubin") as cubin:
        cubin.write(compiled.cubin)
        cubin.flush()
        return sass.disassemble(cubin.name)


def run_count(arguments):
    listing = listing_of(arguments)
    kernels = sass.parse(listing)
    if not arguments.kernel and len(kernels) != 1:
        raise count.Problem(f"which kernel? --kernel={'|'.join(kernels)}")
    kernel = kernels.get(arguments.kernel or next(iter(kernels)))
    if not kernel:
        raise count.Problem(f"there is no kernel '{arguments.kernel}'; there are: {', '.join(kernels)}")
    if arguments.listing:
        of_block = {block.address: block for block in flow.blocks_of(kernel)}
        for instruction in kernel.instructions:
            if instruction.address in of_block:
                names = [name for name, address in kernel.labels.items() if address == instruction.address]
                print(f"{', '.join(names) or 'block'}:  {len(of_block[instruction.address].instructions)} instructions")
            print(f"  {instruction}")
    trips = dict(arguments.trip)
    result = count.count_static(kernel, trips, arguments.skip, arguments.tile_loop)
    count.print_count(kernel, result, trips, arguments.threads, arguments.outputs)


def add_count(commands):
    parser = commands.add_parser("count", help="instructions of a kernel, by class and by loop", description=COUNT_HELP,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="FILE.cubin, FILE.cu, or FILE.sass, which `nvdisasm -c` wrote")
    parser.add_argument("--kernel", help="which kernel, where there are several")
    parser.add_argument("--outputs", type=int, help="outputs of a CTA, 16384 for 128x128; default: count the CTA")
    parser.add_argument("--threads", type=int, default=256, help="threads of a CTA (%(default)s)")
    parser.add_argument("--trip", type=trip, action="append", default=[], metavar="LOOP=COUNT",
                        help="turns of a loop (L2, or its label .L_x_7) for each time that it is entered")
    parser.add_argument("--skip", action="append", default=[], metavar="LABEL", help="a block that does not run: its label, or an address of it")
    parser.add_argument("--tile-loop", metavar="LOOP", help="the loop of which one turn counts, or none")
    parser.add_argument("--listing", action="store_true", help="also print the blocks and their instructions")
    parser.add_argument("--arch", default="sm_80", help="of the compilation of a .cu file (%(default)s)")
    parser.add_argument("--option", action="append", default=[], help="further option of that compilation")
    parser.add_argument("--prelude", metavar="FILE", help="the prelude that a .cu file includes")
    parser.add_argument("--mho", default="build/bin/mho", help="the tool that has it (%(default)s)")
    parser.set_defaults(run=run_count)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_count(commands)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (Missing, count.Problem) as error:
        sys.exit(f"cuda_static: {error}")


if __name__ == "__main__":
    main()
