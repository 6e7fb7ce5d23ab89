"""Runs the commands of docs/tools.md and compares what they print: tools_doc_test.py SOURCE_FOLDER TOOLS_FOLDER SCRATCH_FOLDER

In a ```console block, a line "$ build/bin/TOOL ..." is a command and the lines up to the next command are its output. "..." stands for
any text; a line that is only "..." for any number of lines. Output lines that the page leaves out must be covered by one of those.
"""

import os
import re
import shlex
import subprocess
import sys

source, tools, scratch = sys.argv[1:]


def examples(page):
    """(command, expected lines) of all console blocks."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = example.rstrip("\n").split("\n")
            yield command, lines


def pattern(lines):
    parts = []
    for line in lines:
        parts.append(r"(.*\n)*?" if line == "..." else ".*".join(re.escape(part) for part in line.split("...")) + "\n")
    # Lines between those shown may be anything where the page has a line that begins with dots.
    return re.compile("".join(r"(.*\n)*?" + p if line.startswith("...") else p for p, line in zip(parts, lines)) + r"\Z")


with open(os.path.join(source, "docs", "tools.md"), encoding="utf-8") as file:
    found = list(examples(file.read()))
assert len(found) >= 10, f"only {len(found)} commands found"
for text, expected in found:
    words = shlex.split(text)
    assert words[0].startswith("build/bin/"), text
    words[0] = os.path.join(tools, os.path.basename(words[0]))
    environment = {**os.environ, "MHO_CACHE_DIR": os.path.join(scratch, "cache")}
    run = subprocess.run(words, cwd=source, capture_output=True, text=True, timeout=300, env=environment)
    output = run.stdout if run.stdout.endswith("\n") else run.stdout + "\n"
    print(f"$ {text}\n{output[:2000]}{run.stderr[-2000:]}")
    assert run.returncode == 0, f"'{text}' ended with {run.returncode}"
    assert pattern(expected).match(output), f"'{text}' prints something else than docs/tools.md shows"
used = {os.path.basename(shlex.split(text)[0]) for text, _ in found}
assert used == {"mho", "mho-run", "mho-opt", "mho-translate", "mho-demo"}, used
