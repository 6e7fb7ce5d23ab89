"""Runs the example of a pass: every ```mlir block of its description in a Passes.td, through mho-opt into FileCheck.

    pass_example.py <Passes.td> <pass's flag> <mho-opt> <FileCheck>

A block is the pass's input, and says in CHECK lines what comes out. Where the pass needs options, or others before it, a line says so:
    // RUN-OPTIONS: --analog-fuse=save-for-backward=true --analog-differentiate
"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap


def examples(definitions, flag):
    """The blocks of the pass, without their indentation. Errors: no such pass, no block, a block without CHECK lines."""
    entries = [entry for entry in re.split(r"^def ", definitions, flags=re.M) if re.match(rf'\w+ *: *Pass<"{re.escape(flag)}"', entry)]
    if len(entries) != 1:
        sys.exit(f"expected one definition of the pass {flag}, got {len(entries)}")
    blocks = [textwrap.dedent(block) for block in re.findall(r"^ *```mlir\n(.*?)^ *```$", entries[0], flags=re.M | re.S)]
    if not blocks:
        sys.exit(f"the description of {flag} has no ```mlir block: show what the pass makes of an example")
    if len(blocks) != entries[0].count("```mlir"):
        sys.exit(f"a ```mlir block in the description of {flag} is not closed by a line of ```")
    for block in blocks:
        if "CHECK" not in block:
            sys.exit(f"an example of {flag} does not say in CHECK lines what comes out:\n{block}")
    return blocks


def options_of(block, flag):
    """What mho-opt is given. Errors: options that leave the pass out."""
    match = re.search(r"^ *// RUN-OPTIONS: *(.*)$", block, flags=re.M)
    options = match.group(1).split() if match else [f"--{flag}"]
    if not any(re.fullmatch(rf"--{re.escape(flag)}(=.*)?", option) for option in options):
        sys.exit(f"an example of {flag} does not run it: {' '.join(options)}")
    return options


def check(block, flag, optimizer, file_check):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, flag + ".mlir")
        with open(path, "w", encoding="utf-8") as file:
            file.write(block)
        made = subprocess.run([optimizer, *options_of(block, flag), path], capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"mho-opt refuses an example of {flag}:\n{made.stderr}")
        found = subprocess.run([file_check, path], input=made.stdout, capture_output=True, text=True)
        if found.returncode != 0:
            sys.exit(f"an example of {flag} says what does not come out:\n{found.stderr}")


def main():
    definitions_path, flag, optimizer, file_check = sys.argv[1:]
    with open(definitions_path, encoding="utf-8") as file:
        definitions = file.read()
    for block in examples(definitions, flag):
        check(block, flag, optimizer, file_check)


if __name__ == "__main__":
    main()
