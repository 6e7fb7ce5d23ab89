"""Runs a command and fails unless it ends with the given status: exits.py STATUS COMMAND... What it prints goes to stdout.

A signal (a crash, an abort) is never the wanted status, and neither is a message that shows C++'s frames.
"""

import subprocess
import sys

wanted, command = int(sys.argv[1]), sys.argv[2:]
run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
sys.stdout.write(run.stdout)
if run.returncode != wanted:
    sys.exit(f"{command} ended with {run.returncode} instead of {wanted}")
if "Exception raised from" in run.stdout or "Stack dump" in run.stdout:
    sys.exit(f"{command} shows a stack trace")
