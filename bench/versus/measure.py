"""Runs one contender once, and says how fast packets arrived."""

import json
import os
import signal
import subprocess
import tempfile
import time

from versus.testbed import die_with_parent

# A program that has sent nothing by then has failed.
START_LIMIT = 10.0
# After the first packets, before the measurement: caches, queues and frequency settle.
SETTLE = 0.2
STOP_LIMIT = 3.0
# Bytes of an Ethernet header.
ETHERNET = 14


class Failed(Exception):
    """A run that gives no figure, and why."""


def start(contender, cpus):
    """Starts the contender's processes, confined to one CPU a thread."""
    started = []
    for number, command in enumerate(contender.commands):
        several = len(contender.commands) > 1
        own = {cpus[number]} if several else set(cpus[:contender.threads])

        def prepare(own=own):
            die_with_parent()
            # A group of processes that can be ended without touching others. Not a session: the
            # scheduler may give each session a share, and two processes would get two.
            os.setpgid(0, 0)
            os.sched_setaffinity(0, own)

        output = tempfile.TemporaryFile()
        # The pipe stays open, for testpmd ends with its input.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output,
                                   stderr=subprocess.STDOUT, preexec_fn=prepare)
        started.append((process, output))
    return started


def stop(started):
    """Ends these processes, and the children they left, by their ids."""
    for process, _ in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_LIMIT
    for process, _ in started:
        try:
            process.wait(max(0.01, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdin.close()


def said(started):
    """The last lines that the processes wrote, for a message."""
    lines = []
    for _, output in started:
        output.seek(0)
        lines += output.read().decode(errors="replace").split("\n")
    lines = [" ".join(line.split()) for line in lines if line.strip()]
    return " / ".join(lines[-3:])[-300:] or "it said nothing"


def task_seconds(pid, task):
    """CPU time that a thread has had, the kernel's part included."""
    with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def cpu_seconds(started, helpers):
    """CPU time that the processes and their children have had, and the kernel's helpers."""
    total = sum(task_seconds(pid, pid) for pid in helpers)
    pending = [process.pid for process, _ in started]
    while pending:
        pid = pending.pop()
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                total += task_seconds(pid, task)
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    pending += map(int, file.read().split())
        except OSError:
            continue  # a thread or child that ended meanwhile
    return total


def ksoftirqd(cpus):
    """The kernel's threads that receive on these CPUs when the senders leave it to them."""
    names = {f"ksoftirqd/{cpu}" for cpu in cpus}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read().strip() in names:
                    yield pid
        except OSError:
            continue


def alive(started):
    """Fails where a process has ended by itself."""
    for process, _ in started:
        if process.poll() is not None:
            raise Failed(f"ended with status {process.returncode}: {said(started)}")


def at_sink(bed, contender, cpus, seconds):
    """Thousands of packets a second that reached the sink, and the CPUs the sender had."""
    bed.renew()
    helpers = list(ksoftirqd(cpus[:contender.threads]))
    started = start(contender, cpus)
    try:
        deadline = time.monotonic() + START_LIMIT
        while bed.received()[0] < 100:
            alive(started)
            if time.monotonic() > deadline:
                raise Failed(f"nothing arrived within {START_LIMIT:g} s: {said(started)}")
            time.sleep(0.01)
        time.sleep(SETTLE)
        cpu = cpu_seconds(started, helpers)
        packets, length, begin = bed.received()
        time.sleep(seconds)
        after, length_after, end = bed.received()
        cpu = cpu_seconds(started, helpers) - cpu
        alive(started)
    finally:
        stop(started)
    if after == packets:
        raise Failed(f"it stopped sending: {said(started)}")
    frame = (length_after - length) / (after - packets)
    # A veth counts what comes as an skb without its Ethernet header.
    if min(abs(frame - contender.frame), abs(frame + ETHERNET - contender.frame)) > 0.5:
        raise Failed(f"frames of {frame:.1f} bytes arrived, not of {contender.frame}")
    return (after - packets) / (end - begin) / 1e3, cpu / (end - begin)


def in_own_lab(contender, cpus, seconds):
    """The same of a run in wirestorm's own lab, by its JSON result."""
    started = start(contender, cpus)
    process, output = started[0]
    try:
        process.wait(START_LIMIT + seconds)
    except subprocess.TimeoutExpired as error:
        raise Failed("it did not end") from error
    finally:
        stop(started)
    output.seek(0)
    text = output.read().decode()
    try:
        result = json.JSONDecoder().raw_decode(text[text.index("{"):])[0]
        totals = result["totals"]
        rate, lost = totals["rx_pps"], totals["lost"]
    except (ValueError, KeyError) as error:
        raise Failed(f"no result: {said(started)}") from error
    if not rate or lost:
        raise Failed(f"{lost} packets lost, {rate} packets/s")
    return rate / 1e3, None
