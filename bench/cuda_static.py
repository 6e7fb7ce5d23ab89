#!/usr/bin/env python3
"""What can be said of the CUDA kernels without a GPU: a static model, and no measurement.

  cuda_static.py table                                our kernels beside Triton's and aihwkit-lightning's
  cuda_static.py count FILE.cubin|FILE.cu|FILE.sass   instructions of a kernel, by class and by loop

`cuda_static.py COMMAND --help` tells more.
"""
import argparse
import pathlib
import struct
import subprocess
import sys

from cuda_static import count, flow, model, nvrtc, report, sass, table, walk
from cuda_static.layer import layers_of
from cuda_static.ours import Tools
from cuda_static.sass import Missing

COUNT_HELP = """
Prints how many instructions of machine code a kernel executes, by class of opcode and by loop, per output.

The cubin is disassembled (nvdisasm -c) and cut into basic blocks and natural loops, L1, L2, ... in the order of
addresses. A warp's count is the sum over blocks of its instructions times the turns of the loops around it; all lanes of
a warp issue together, and an instruction that its predicate turns off is issued too, so that a thread-instruction
is a warp instruction times 32. One turn of the tile loop counts: the outermost loop with tensor instructions.

Better than trip counts: --layer=ROWS on a .cu file of `mho explain SPEC --cuda`. It walks threads of a CTA through the
machine code, with the launch of a layer whose crossbar tiles have ROWS rows (walk.py): nothing is guessed then. Of a
forward kernel it counts one tile, three tiles less two; of a gradient all of it, with ROWS positions to contract.
Another kernel is walked with --walk, --grid and its --param's. A branch on data is an error, or as --assume says.

Without a walk both sides of a condition count, unless --skip drops one: name a label or an address of the listing (--listing).
A .cu file is compiled with the options of the runtime; `#include "mho_prelude.cuh"` is --prelude, by default that of
`mho explain "" --cuda=prelude` (--mho, MHO).
"""


TABLE_HELP = """
Compiles our kernels of a few layers (fp16, W stored [N,K]), the best Triton kernel of the same function that we could write
(cuda_static/rivals_triton.py) and aihwkit-lightning's own, for each architecture, and writes a table of what can be said of
them without a GPU. Every row is a static model; no GPU runs anything. How:

  registers, spills       of the cubin (nvdisasm); spilled bytes are the places of the stack that are written
  instructions            the machine code of a CTA is walked (cuda_static/walk.py): integers and predicates are
                          computed, so that every branch goes as it would on a GPU. Of a forward pass a tile is what a walk
                          of three tiles takes more than one of two; a gradient is counted whole
  wavefronts, sectors     the interpreter of PTX runs one CTA (MHO_PTX_REPORT; of Triton's kernels mho ptx run)
  clocks, limiter         the largest of tensor, issue, shared memory, L2, DRAM (cuda_static/model.py)
  compile ms              NVRTC, or Triton with its own cache off: the first compilation of that kernel

Needs: the built tools (--tools), NVRTC and Triton (scripts/setup), and for aihwkit-lightning's kernel the test requirements
(scripts/setup --with-tests). A rival that is missing is reported and left out.
"""


def trip(text):
    name, _, turns = text.partition("=")
    if not turns.isdigit():
        raise argparse.ArgumentTypeError(f"expected LOOP=COUNT, got '{text}'")
    return name, int(turns)


def grid(text):
    sizes = [int(word) for word in text.split(",")]
    return tuple(sizes + [1] * (3 - len(sizes)))


def parameter(text):
    kind, _, value = text.partition("=")
    if kind == "zeros":
        return b"\0" * int(value)
    formats = {"u32": "<I", "u64": "<Q", "f32": "<f"}
    if kind not in formats:
        raise argparse.ArgumentTypeError(f"expected u32, u64, f32 or zeros=BYTES, got '{text}'")
    return struct.pack(formats[kind], float(value) if kind == "f32" else int(value, 0))


def assumption(text):
    address, _, way = text.partition("=")
    if way not in ("taken", "not"):
        raise argparse.ArgumentTypeError(f"expected ADDRESS=taken or ADDRESS=not, got '{text}'")
    return int(address, 16), way == "taken"


def prelude_text(arguments):
    if arguments.prelude:
        return pathlib.Path(arguments.prelude).read_text()
    return subprocess.run([arguments.mho, "explain", "", "--cuda=prelude"], capture_output=True, text=True, check=True).stdout


def kernels_of(arguments):
    """The kernels of the file that is to be counted, whatever it is."""
    file = pathlib.Path(arguments.file)
    if file.suffix == ".sass":
        return sass.parse(file.read_text())
    if file.suffix != ".cu":
        return sass.kernels_of_bytes(file.read_bytes())
    text = file.read_text()
    headers = [("mho_prelude.cuh", prelude_text(arguments))] if "mho_prelude.cuh" in text else []
    compiled = nvrtc.compile_cuda(text, arguments.arch, headers, arguments.option)
    print(f"{arguments.arch}, {compiled.milliseconds:.0f} ms, {len(compiled.cubin)} bytes of cubin")
    print("\n".join(line for line in compiled.log.splitlines() if "spill" in line or "Used" in line or "entry" in line))
    return sass.kernels_of_bytes(compiled.cubin)


def print_listing(kernel):
    blocks = {block.address: block for block in flow.blocks_of(kernel)}
    for instruction in kernel.instructions:
        if instruction.address in blocks:
            names = [name for name, address in kernel.labels.items() if address == instruction.address]
            print(f"{', '.join(names) or 'block'}:  {len(blocks[instruction.address].instructions)} instructions")
        print(f"  {instruction}")


def counted(arguments, kernel):
    """The count that the options ask for; with a layer it says how many threads and outputs there are."""
    if arguments.layer:
        layer = layers_of(pathlib.Path(arguments.file).read_text()).get(kernel.name)
        if not layer:
            raise count.Problem(f"'{arguments.file}' has no layer whose kernel is {kernel.name}")
        arguments.threads, arguments.outputs = layer.threads, layer.outputs
        return walk.count_layer(kernel, layer, arguments.arch, arguments.layer, dict(arguments.assume))
    warps = arguments.threads // 32
    if arguments.walk:
        data = b"".join(arguments.param)
        runs, assumed = walk.walk_warps(kernel, arguments.arch, data, arguments.threads, arguments.grid, assume=dict(arguments.assume))
        result = count.tally(kernel, runs, [0] * len(runs))
        result.assumed = assumed
        return result
    return count.count_static(kernel, dict(arguments.trip), warps, arguments.skip, arguments.tile_loop)


def run_count(arguments):
    kernels = kernels_of(arguments)
    if not arguments.kernel and len(kernels) != 1:
        raise count.Problem(f"which kernel? --kernel={'|'.join(kernels)}")
    kernel = kernels.get(arguments.kernel or next(iter(kernels)))
    if not kernel:
        raise count.Problem(f"there is no kernel '{arguments.kernel}'; there are: {', '.join(kernels)}")
    if arguments.listing:
        print_listing(kernel)
    result = counted(arguments, kernel)
    count.print_count(kernel, result, arguments.threads // 32, arguments.outputs)


def add_count(commands):
    parser = commands.add_parser("count", help="instructions of a kernel, by class and by loop", description=COUNT_HELP,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="FILE.cubin, FILE.cu, or FILE.sass, which `nvdisasm -c` wrote")
    parser.add_argument("--kernel", help="which kernel, where there are several")
    parser.add_argument("--outputs", type=int, help="outputs of a CTA, 16384 for 128x128; default: count the CTA")
    parser.add_argument("--threads", type=int, default=256, help="threads of a CTA (%(default)s)")
    parser.add_argument("--trip", type=trip, action="append", default=[], metavar="LOOP=COUNT",
                        help="turns of a loop (L2, or its label .L_x_7) for each time that it is entered")
    parser.add_argument("--skip", action="append", default=[], metavar="LABEL",
                        help="a block that does not run: its label, or an address of it")
    parser.add_argument("--tile-loop", metavar="LOOP", help="the loop of which one turn counts, or none")
    parser.add_argument("--layer", type=int, metavar="ROWS", help="walk a generated kernel, with tiles of so many rows")
    parser.add_argument("--walk", action="store_true", help="walk the kernel with --grid and --param")
    parser.add_argument("--grid", type=grid, default=(1, 1, 1), metavar="X,Y,Z")
    parser.add_argument("--param", type=parameter, action="append", default=[], metavar="TYPE=VALUE",
                        help="u32, u64, f32 or zeros=BYTES: the parameters one after the other, with their padding")
    parser.add_argument("--assume", type=assumption, action="append", default=[], metavar="ADDRESS=taken|not",
                        help="which way a branch on data goes")
    parser.add_argument("--listing", action="store_true", help="also print the blocks and their instructions")
    parser.add_argument("--arch", default="sm_80", help="of the compilation of a .cu file (%(default)s)")
    parser.add_argument("--option", action="append", default=[], help="further option of that compilation")
    parser.add_argument("--prelude", metavar="FILE", help="the prelude that a .cu file includes")
    parser.add_argument("--mho", default="build/bin/mho", help="the tool that has it (%(default)s)")
    parser.set_defaults(run=run_count)


def add_table(commands):
    parser = commands.add_parser("table", help="our kernels beside others", description=TABLE_HELP,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default="build/bin", metavar="FOLDER", help="with mho and mho-run (%(default)s)")
    parser.add_argument("--case", action="append", choices=list(table.CASES), help="only this one (may be given again)")
    parser.add_argument("--tile", type=int, action="append", metavar="ROWS", help="rows of crossbar tiles (128 and 512)")
    parser.add_argument("--arch", action="append", choices=list(model.MACHINES), help="only this one (sm_80 and sm_90)")
    parser.add_argument("--title", default="Static comparison of CUDA kernels", help="of the table and the plot")
    parser.add_argument("--markdown", metavar="FILE", help="where the table goes; default: the output")
    parser.add_argument("--json", metavar="FILE", help="also all figures, as JSON")
    parser.add_argument("--svg", metavar="FILE", help="also a plot of the instructions")
    parser.set_defaults(run=run_table)


def run_table(arguments):
    def progress(row):
        print(f"{row['case']}, {row['tile_rows']} rows, {row['architecture']}, {row['kernel']}, {row['cta']}: "
              f"{row['instructions_per_output']} ({row['label']})", file=sys.stderr)

    tools = Tools(arguments.tools)
    rows = table.rows_of(tools, arguments.case or list(table.CASES), arguments.tile or [128, 512],
                         arguments.arch or list(model.MACHINES), progress)
    if not rows:
        raise count.Problem("no row could be made; the reasons stand above")
    text = report.markdown(rows, arguments.title)
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(text)
    else:
        print(text, end="")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(report.as_json(rows, arguments.title))
    if arguments.svg:
        pathlib.Path(arguments.svg).write_text(report.svg(rows, arguments.title))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_table(commands)
    add_count(commands)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (Missing, count.Problem) as error:
        sys.exit(f"cuda_static: {error}")


if __name__ == "__main__":
    main()
