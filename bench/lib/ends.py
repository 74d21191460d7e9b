"""Two network namespaces with a veth pair between them, and the programs in them: gone at the end."""

import atexit
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ADDRESSES = {"client": ("198.18.0.1", "2001:db8::1"), "server": ("198.18.0.2", "2001:db8::2")}
INTERFACE = "veth0"


class Ends:
    """A client and a server, each with an IPv4 and an IPv6 address on `INTERFACE`."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp())
        self.running = []
        self.names = {end: f"ws-bench-{end}-{os.getpid()}" for end in ADDRESSES}
        atexit.register(self.clean)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        for name in self.names.values():
            self.ip("netns", "add", name)
        self.ip("-n", self.names["client"], "link", "add", INTERFACE, "type", "veth",
                "peer", "name", INTERFACE, "netns", self.names["server"])
        for end, (v4, v6) in ADDRESSES.items():
            name = self.names[end]
            self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", name, "addr", "add", f"{v4}/24", "dev", INTERFACE)
            self.ip("-n", name, "addr", "add", f"{v6}/64", "dev", INTERFACE, "nodad")
            self.ip("-n", name, "link", "set", INTERFACE, "up")
            # What one connection was like is nothing to the next.
            self.run(end, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1")

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)

    def within(self, end, command):
        return ["ip", "netns", "exec", self.names[end], *map(str, command)]

    def run(self, end, *command):
        """Runs a program at an end; what it printed."""
        done = subprocess.run(self.within(end, command), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}: {done.stdout}")
        return done.stdout

    def start(self, end, *command, until=None):
        """Starts a program at an end, and waits until it has said `until`."""
        said = open(self.dir / f"said.{len(self.running)}", "w+")
        # `exec` leaves its process to the program, so that it may be signalled.
        program = subprocess.Popen(self.within(end, command), stdin=subprocess.DEVNULL,
                                   stdout=said, stderr=said)
        self.running.append(program)
        deadline = time.monotonic() + 10
        while until is not None:
            text = Path(said.name).read_text()
            if until in text:
                break
            if program.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{' '.join(map(str, command))}: {text}")
            time.sleep(0.01)
        return program

    @staticmethod
    def stop(program):
        program.terminate()
        program.wait(30)

    def clean(self):
        for program in self.running:
            if program.poll() is None:
                program.kill()
                program.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


def memory(program):
    """The most memory that a program has had, in MiB."""
    status = Path(f"/proc/{program.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def show(values, digits=0):
    """The median, and where the values lie."""
    number = f"{{:,.{digits}f}}".format
    return f"{number(statistics.median(values))} ({number(min(values))}–{number(max(values))})"
