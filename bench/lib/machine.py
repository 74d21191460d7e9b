"""What the measuring scripts say about the machine, and the program that they measure."""

import datetime
import gc
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def binary(given):
    """The program to measure: the one given, or the one built now."""
    if given:
        return str(Path(given).resolve())
    build = subprocess.run(["cargo", "build", "--release", "--bin", "wirestorm"], cwd=ROOT)
    if build.returncode:
        sys.exit(build.returncode)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return str(Path(target, "release", "wirestorm").resolve())


def describe(loads):
    """Date, kernel, CPU, load and command, as a line of Markdown."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cpu = found.group(1) if found else platform.machine()
    today = datetime.date.today().isoformat()
    command = " ".join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])
    return (f"{today}, Linux {platform.release()}, {os.cpu_count()} × {cpu}, load "
            f"{min(loads):.1f}..{max(loads):.1f} (median {statistics.median(loads):.1f}), "
            f"`{command}`.\n")


def interruptions(seconds, over):
    """How long a loop that only reads the clock was kept from it, each time that took more than so
    many nanoseconds: interrupts, other programs' turns, and the host's, on whatever it runs on."""
    found = []
    collecting = gc.isenabled()
    gc.disable()
    clock = time.monotonic_ns
    last = clock()
    end = last + int(seconds * 1e9)
    while last < end:
        now = clock()
        if now - last > over:
            found.append(now - last)
        last = now
    if collecting:
        gc.enable()
    return found


def realtime():
    """Gives this process and its children the lowest real-time priority."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
