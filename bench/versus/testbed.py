"""A veth pair between two anonymous network namespaces, and a sink that counts and drops.

The senders' namespace is the one this process was started in again by `enter_own_namespaces`; the
receiver's is held by a child. Both, and the devices in them, are gone with the processes: nothing
has a name outside, and nothing is left behind.
"""

import ctypes
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

NEAR, FAR = "tx0", "rx0"
NEAR_MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
NEAR_IP, FAR_IP = "198.18.0.1", "198.18.0.2"
# So many transmit queues on one side and receive queues on the other: one for each worker.
QUEUES = 2
MARK = "WIRESTORM_PEERS_NAMESPACES"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def enter_own_namespaces():
    """Starts this program again in new network and mount namespaces, unless it is in them."""
    if os.environ.get(MARK) == str(os.getpid()):
        return
    os.environ[MARK] = str(os.getpid())  # exec keeps the process id
    try:
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    except OSError as error:
        sys.exit(f"peers: cannot start unshare: {error}; install util-linux")


def die_with_parent():
    """For a child before it executes its program: killed when this process is gone."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command):
    """Runs a command of the set-up; its failure ends this program with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"peers: {' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def compile_sink(root, folder):
    """Compiles bpf/sink.bpf.c; libbpf's headers are the system's, or those of the crate."""
    from_crate = glob.glob(f"{root}/target/*/build/libbpf-sys-*/out/include")
    include = [option for path in from_crate for option in ("-I", path)]
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    target = os.path.join(folder, "sink.o")
    run("clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", multiarch, *include,
        "-c", f"{root}/bpf/sink.bpf.c", "-o", target)
    return target


class Testbed:
    """The two namespaces. `with` it; `renew` before each run makes a pair nobody has used."""

    def __init__(self, root):
        self.folder = tempfile.TemporaryDirectory(prefix="wirestorm-peers-")
        self.sink = compile_sink(root, self.folder.name)
        # /sys of this namespace: it shows the devices of the namespace that mounted it.
        run("mount", "-t", "sysfs", "sysfs", "/sys")
        run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
        # What a sender leaves in /run (DPDK does) is gone with this namespace.
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        run("ip", "link", "set", "lo", "up")
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"], preexec_fn=die_with_parent)
        own = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 5
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == own:
            if self.holder.poll() is not None or time.monotonic() > deadline:
                sys.exit("peers: cannot make the receiver's network namespace (unshare --net)")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()
        self.folder.cleanup()

    def at_receiver(self, *command):
        """Runs a command in the receiver's namespace."""
        return run("nsenter", "--target", str(self.holder.pid), "--net", "--", *command)

    def renew(self):
        """Deletes the pair with all that a sender left on it, and makes a new one."""
        if os.path.exists(f"/sys/class/net/{NEAR}"):
            run("ip", "link", "del", NEAR)
        queues = ["numtxqueues", str(QUEUES), "numrxqueues", str(QUEUES)]
        run("ip", "link", "add", NEAR, "address", NEAR_MAC, *queues, "type", "veth",
            "peer", "name", FAR, "address", FAR_MAC, *queues, "netns", str(self.holder.pid))
        for command, device in ((run, NEAR), (self.at_receiver, FAR)):
            # No neighbour discovery of the kernel's own among the packets that are counted.
            command("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
        self.at_receiver("ip", "link", "set", FAR, "xdpdrv", "object", self.sink,
                         "section", "xdp")
        self.at_receiver("ip", "link", "set", FAR, "up")
        run("ip", "link", "set", NEAR, "up")
        run("ip", "addr", "add", f"{NEAR_IP}/24", "dev", NEAR)
        # What raw sockets have to know.
        run("ip", "neigh", "add", FAR_IP, "lladdr", FAR_MAC, "dev", NEAR)

    def received(self):
        """Packets and bytes that the receiving device counted until now, and when that was read."""
        with open(f"/proc/{self.holder.pid}/net/dev", encoding="ascii") as table:
            now = time.monotonic()
            for line in table:
                name, _, counters = line.partition(":")
                if name.strip() == FAR:
                    length, packets = counters.split()[:2]
                    return int(packets), int(length), now
        sys.exit(f"peers: the receiver's namespace has no {FAR}")
