"""Runs the commands of a page of docs/ and compares what they print: tools_doc_test.py SOURCE_FOLDER TOOLS_FOLDER SCRATCH_FOLDER PAGE

In a ```console block, a line "$ build/bin/TOOL ..." is a command and the lines up to the next command are its output. "..." stands for
any text; a line that is only "..." for any number of lines. Output lines that the page leaves out must be covered by one of those.
A ```mlir or ```cpp block is part of a file in examples/effects.
"""

import glob
import os
import re
import shlex
import subprocess
import sys

source, tools, scratch, page_name = sys.argv[1:]


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


# What each page is about: the tools that it shows, and the least number of commands.
TOOLS = {
    "tools.md": ({"mho", "mho-run", "mho-opt", "mho-translate", "mho-fuzz", "mho-demo"}, 10),
    "effects.md": ({"mho", "mho-run", "mho-opt"}, 5),
    "ptx.md": ({"mho"}, 1),
}

with open(os.path.join(source, "docs", page_name), encoding="utf-8") as file:
    text_of_page = file.read()
found = list(examples(text_of_page))
shown, least = TOOLS[page_name]
assert len(found) >= least, f"only {len(found)} commands found"
for language in ("mlir", "cpp"):
    files = []
    for path in glob.glob(os.path.join(source, "examples", "effects", "*." + language)):
        with open(path, encoding="utf-8") as file:
            # A block of C++ stands in a function, and on the page it does not.
            files.append(re.sub("^  ", "", file.read(), flags=re.MULTILINE) if language == "cpp" else file.read())
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text_of_page, re.MULTILINE | re.DOTALL)
    assert blocks or page_name != "effects.md", f"docs/{page_name} shows no {language}"
    for block in blocks:
        assert any(block in text for text in files), f"docs/{page_name} shows text that is in no file of examples/effects:\n{block}"
for text, expected in found:
    words = shlex.split(text)
    assert words[0].startswith("build/bin/"), text
    words[0] = os.path.join(tools, os.path.basename(words[0]))
    environment = {**os.environ, "MHO_CACHE_DIR": os.path.join(scratch, "cache")}
    run = subprocess.run(words, cwd=source, capture_output=True, text=True, timeout=300, env=environment)
    output = run.stdout if run.stdout.endswith("\n") else run.stdout + "\n"
    print(f"$ {text}\n{output[:2000]}{run.stderr[-2000:]}")
    assert run.returncode == 0, f"'{text}' ended with {run.returncode}"
    assert pattern(expected).match(output), f"'{text}' prints something else than docs/{page_name} shows"
used = {os.path.basename(shlex.split(text)[0]) for text, _ in found}
assert used == shown, used
