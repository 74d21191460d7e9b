"""The table in Markdown, its conditions, and the commands behind each row."""

import os
import platform
import shlex
import time
from statistics import median


def conditions(options, load):
    """When, where and how, for one must know it to compare."""
    model = "CPU unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, Linux {platform.release()}, "
            f"{model}, {os.cpu_count()} CPUs; load average {load} before, "
            f"{os.getloadavg()[0]:.1f} after (these runs included). "
            f"{options.repeats} interleaved repeats of {options.seconds:g} s; CPU "
            f"{options.cpus[0]} for one thread, {options.cpus[0]} and {options.cpus[1]} for two.")


def ratio(ours, other):
    """How many times as fast `ours` is: the median of the ratios within each repeat."""
    pairs = [a / b for a, b in zip(ours.kpps, other.kpps) if a and b]
    return median(pairs) if pairs else None


def row(contender, reference):
    """One row; a contender without a figure says why."""
    kpps = [rate for rate in contender.kpps if rate]
    if not kpps:
        why = contender.failures[-1] if contender.failures else "not run"
        why = why.replace("|", "/")
        return f"| {contender.name} | {contender.threads} | – | – | – | – | {why} |"
    cores = [cores for cores in contender.cores if cores is not None]
    times = ratio(reference, contender) if reference else None
    notes = [contender.note] if contender.note else []
    if contender.failures:
        notes.append(f"{len(contender.failures)} runs without a figure")
    return " | ".join([
        f"| {contender.name}", str(contender.threads), f"{median(kpps):,.0f}",
        f"{min(kpps):,.0f}–{max(kpps):,.0f}", f"{median(cores):.2f}" if cores else "–",
        "–" if times is None else f"{times:.2f}", "; ".join(notes) + " |"])


def markdown(contenders, options, load):
    """The whole section."""
    lines = [conditions(options, load), ""]
    lines += ["| sender | threads | kpps, median | lowest–highest | CPUs it had | xdp-live is × | |",
              "|---|---|---|---|---|---|---|"]
    for contender in sorted(contenders, key=lambda one: (one.threads, not one.ours)):
        lines.append(row(contender, reference(contenders, contender.threads)))
    lines += ["", *verdicts(contenders), "", "Commands (`tx0` leads to the sink):", "", "```"]
    for contender in contenders:
        for command in contender.commands:
            lines.append(shlex.join(command).replace(options.folder, "$DIR"))
    lines += ["```", ""]
    return "\n".join(lines)


def reference(contenders, threads):
    """The row that the others are compared with."""
    for contender in contenders:
        if (contender.name, contender.threads) == ("wirestorm xdp-live", threads):
            return contender
    return None


def verdicts(contenders):
    """What the benchmark is for: xdp-live against af-xdp, and against the fastest peer."""
    for threads in (1, 2):
        ours = reference(contenders, threads)
        if not ours or not any(ours.kpps):
            yield f"- {threads} thread(s): xdp-live has no figure."
            continue
        for other in contenders:
            if other.threads == threads and other.name == "wirestorm af-xdp" and any(other.kpps):
                yield f"- {threads} thread(s): xdp-live is {ratio(ours, other):.1f} × af-xdp copy."
        measured = [one for one in contenders
                    if one.threads == threads and not one.ours and any(one.kpps)]
        if measured:
            best = min(measured, key=lambda one: ratio(ours, one))
            yield (f"- {threads} thread(s): xdp-live is {ratio(ours, best):.2f} × the fastest peer, "
                   f"{best.name}.")
