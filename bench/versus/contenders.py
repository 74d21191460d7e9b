"""Who takes part, with what commands.

All send the same work: Ethernet, IPv4, UDP in frames of 60 bytes (64 with the FCS), one UDP port
that changes from packet to packet, as fast as they can. What a peer cannot do of that is its note.
"""

import shutil
from dataclasses import dataclass, field

from versus.testbed import FAR_IP, FAR_MAC, NEAR, NEAR_IP, NEAR_MAC

FIRST_PORT, LAST_PORT = 1024, 65535


@dataclass
class Contender:
    """One row of the table."""

    name: str
    threads: int
    # One process each; more than one where the program knows no threads.
    commands: list
    note: str = ""
    # The apt package to install where the program is missing.
    package: str = ""
    ours: bool = False
    # Reads its rate from the JSON result of its own lab instead of the sink.
    own_lab: bool = False
    # Bytes of each frame without the FCS.
    frame: int = 60
    kpps: list = field(default_factory=list)
    cores: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    @property
    def missing(self):
        """The program that is not installed, if it is not."""
        program = self.commands[0][0]
        return None if shutil.which(program) else program


def profile(cpus, tag, seconds):
    """The profile for wirestorm's engines on the shared test bed: nothing of ours receives.

    It lasts longer than the measurement, which ends it.
    """
    return f"""name: peers
duration: {30 + int(seconds)}s
ports:
  tx:
    interface: {NEAR}
    ipv4: {NEAR_IP}
    next_hop: '{FAR_MAC}'
    workers: {len(cpus)}
    cores: {list(cpus)}
streams:
  - name: flood
    to: null
    size: 64B
    rate: unlimited
    tag: {str(tag).lower()}
    packet:
      - ipv4: {{src: {NEAR_IP}, dst: {FAR_IP}}}
      - udp: {{src: {{increment: {FIRST_PORT}..{LAST_PORT}}}, dst: 9}}
"""


def ranges(threads):
    """The changing port's range, cut into one part a process."""
    size = (LAST_PORT + 1 - FIRST_PORT) // threads
    return [(FIRST_PORT + i * size, FIRST_PORT + (i + 1) * size - 1) for i in range(threads)]


def wirestorm(binary, profiles, seconds, flood):
    """Our engines, on the shared test bed, and in our own lab with our own receiver."""
    for engine in ("xdp-live", "af-xdp", "packet-mmap", "raw"):
        for threads in (1, 2):
            command = [binary, "run", profiles[threads, False], "--engine", engine, "--quiet"]
            yield Contender(f"wirestorm {engine}", threads, [command], ours=True,
                            note="one port changing, no tag: the work of all")
    for threads in (1, 2):
        command = [binary, "run", profiles[threads, True], "--engine", "xdp-live", "--quiet"]
        yield Contender("wirestorm xdp-live, probe tag", threads, [command], ours=True,
                        note="one port changing, and sequence, time and check stamped")
    for threads in (1, 2):
        command = [binary, "run", flood, "--lab", "b2b", "--engine", "xdp-live", "--workers",
                   str(threads), "--set", f"duration={seconds:g}s", "--json", "-", "--quiet"]
        yield Contender("wirestorm xdp-live, probe tag, measured", threads, [command], ours=True,
                        own_lab=True,
                        note="own lab and receiver, which measures every packet: "
                             "sequence, loss, order, latency")


def testpmd(driver, cpus):
    """DPDK's packet generator; its main lcore only waits.

    net_af_xdp takes no second queue of a veth, which tells no number of combined channels: there a
    second thread is a second port of testpmd's, on the device's second queue.
    """
    threads = str(len(cpus))
    if driver == "net_af_packet":
        devices = [f"net_af_packet0,iface={NEAR},qpairs={threads},qdisc_bypass=1"]
    else:
        devices = [f"net_af_xdp{queue},iface={NEAR},start_queue={queue},queue_count=1"
                   for queue in range(len(cpus))]
    queues = str(len(cpus) // len(devices))
    lcores = ",".join([f"0@{cpus[0]}"] + [f"{i + 1}@{cpu}" for i, cpu in enumerate(cpus)])
    vdevs = [word for device in devices for word in ("--vdev", device)]
    destinations = [f"--eth-peer={port},{FAR_MAC}" for port in range(len(devices))]
    return ["dpdk-testpmd", "--no-huge", "--no-pci", "-m", "512", "--lcores", lcores,
            "--main-lcore", "0", *vdevs, "--", "--forward-mode=txonly", "--txonly-multi-flow",
            "--txpkts=60", "--auto-start", "--port-topology=loop", *destinations,
            f"--tx-ip={NEAR_IP},{FAR_IP}", f"--tx-udp={FIRST_PORT},9", f"--nb-cores={threads}",
            f"--txq={queues}", f"--rxq={queues}", "--no-mlockall", "--total-num-mbufs=32768"]


def trafgen(threads):
    """Of netsniff-ng; dinc writes a changing value into every packet."""
    packet = (f"{{ eth(da={FAR_MAC}, sa={NEAR_MAC}), ipv4(saddr={NEAR_IP}, daddr={FAR_IP}), "
              f"udp(sport=dinc({FIRST_PORT}, {LAST_PORT}), dport=9), fill(0, 18) }}")
    return ["trafgen", "--dev", NEAR, "--cpus", str(threads), "--num", "0", packet]


def mausezahn(first, last):
    """Of netsniff-ng; one thread a process."""
    return ["mausezahn", NEAR, "-q", "-c", "0", "-a", NEAR_MAC, "-b", FAR_MAC, "-A", NEAR_IP,
            "-B", FAR_IP, "-p", "18", "-t", "udp", f"sp={first}-{last},dp=9"]


def xdp_trafficgen(program, threads):
    """Of xdp-tools; it knows UDP over IPv6 only."""
    return [program, "udp", NEAR, "--dst-mac", FAR_MAC, "--src-mac", NEAR_MAC,
            "--dst-port", "1024", "--dyn-ports", "16384", "--threads", str(threads)]


def peers(cpus, captures, trafficgen):
    """The other generators, with one thread and with two."""
    for threads in (1, 2):
        own = cpus[:threads]
        flow = "the field that changes is the one of --txonly-multi-flow"
        for driver in ("net_af_xdp", "net_af_packet"):
            yield Contender(f"testpmd txonly, {driver}", threads, [testpmd(driver, own)], flow,
                            "dpdk-dev")
        yield Contender("xdp-trafficgen udp", threads, [xdp_trafficgen(trafficgen, threads)],
                        "UDP over IPv6, frames of 64 bytes", "xdp-tools", frame=64)
        yield Contender("trafgen", threads, [trafgen(threads)], "", "netsniff-ng")
        each = "" if threads == 1 else "one process a thread"
        yield Contender("tcpreplay", threads, [
            ["tcpreplay", f"--intf1={NEAR}", "--preload-pcap", "--topspeed", "--loop=0", "--quiet",
             capture] for capture in captures[threads]
        ], each, "tcpreplay")
        yield Contender("mausezahn", threads, [mausezahn(*part) for part in ranges(threads)],
                        each, "netsniff-ng")
