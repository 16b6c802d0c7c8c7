"""Runs a command, and prints to FILE how much memory it had at most, in MiB.

    peak.py FILE COMMAND [ARGUMENT]...
"""

import resource
import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=file)
sys.exit(status if status >= 0 else 128 - status)
