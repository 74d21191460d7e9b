"""The table in Markdown, its conditions, and the commands behind each row."""

import os
import platform
import shlex
import subprocess
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


def versions(contenders):
    """The versions of the distribution's packages that take part, where dpkg knows them."""
    packages = sorted({one.package for one in contenders if one.package})
    if not packages:  # dpkg-query without a name lists all that is installed
        return "none needed"
    try:
        known = subprocess.run(
            ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n", *packages],
            capture_output=True, text=True, check=False).stdout.split("\n")
    except FileNotFoundError:
        return "unknown: no dpkg"
    return ", ".join(line for line in known if " " in line.strip()) or "none installed"


def per_cpu(contender):
    """Thousands of packets for each second of CPU time, of each repeat."""
    return [rate and cores and rate / cores
            for rate, cores in zip(contender.kpps, contender.cores)]


def ratio(ours, other):
    """The median of the ratios within each repeat, for a repeat's runs meet much the same load."""
    pairs = [a / b for a, b in zip(ours, other) if a and b]
    return median(pairs) if pairs else None


def shown(value, form):
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def row(contender, ours):
    """One row; a contender without a figure says why."""
    kpps = [rate for rate in contender.kpps if rate]
    first = f"| {contender.name} | {contender.threads} | "
    if not kpps:
        why = contender.failures[-1] if contender.failures else "not run"
        return first + "– | – | – | – | – | – | " + why.replace("|", "/") + " |"
    cores = [cores for cores in contender.cores if cores]
    each = [rate for rate in per_cpu(contender) if rate]
    notes = [contender.note] if contender.note else []
    if contender.failures:
        notes.append(f"{len(contender.failures)} of {len(contender.kpps)} runs failed: "
                     + contender.failures[-1].replace("|", "/"))
    return first + " | ".join([
        f"{median(kpps):,.0f}", f"{min(kpps):,.0f}–{max(kpps):,.0f}",
        shown(ours and ratio(ours.kpps, contender.kpps), ".2f"),
        shown(median(cores) if cores else None, ".2f"),
        shown(median(each) if each else None, ",.0f"),
        shown(ours and ratio(per_cpu(ours), per_cpu(contender)), ".2f"),
        "; ".join(notes) + " |"])


def markdown(contenders, options, load):
    """The whole section."""
    lines = [conditions(options, load) + f" Packages: {versions(contenders)}.", "",
             "| sender | threads | kpps, median | lowest–highest | xdp-live is × | "
             "CPUs it had | kpps per CPU | xdp-live is × per CPU | |",
             "|---|---|---|---|---|---|---|---|---|"]
    for contender in sorted(contenders, key=lambda one: (one.threads, not one.ours)):
        lines.append(row(contender, reference(contenders, contender.threads)))
    lines += ["", *verdicts(contenders), "", "Commands (`tx0` leads to the sink):", "", "```"]
    for contender in contenders:
        for command in contender.commands:
            lines.append(shlex.join(command))
    lines += ["```", "",
              "`$DIR/plain-1.yaml`; `tag-*.yaml` have `tag: true`, `*-2.yaml` two workers and both "
              "CPUs:", "", "```yaml", options.profile.rstrip(), "```", ""]
    return "\n".join(lines)


def reference(contenders, threads, name="wirestorm xdp-live"):
    """The row that the others are compared with."""
    for contender in contenders:
        if (contender.name, contender.threads) == (name, threads):
            return contender
    return None


def verdicts(contenders):
    """What the benchmark is for: xdp-live against af-xdp, and against the fastest peer."""
    for threads in (1, 2):
        who = "one thread" if threads == 1 else "two threads"
        ours = reference(contenders, threads)
        if not ours or not any(ours.kpps):
            yield f"- With {who}, xdp-live has no figure."
            continue
        measured = [one for one in contenders if one.threads == threads and any(one.kpps)]
        ring = [one for one in measured if one.name == "wirestorm af-xdp"]
        peers = sorted((one for one in measured if not one.ours),
                       key=lambda one: -median(rate for rate in one.kpps if rate))
        tagged = reference(contenders, threads, "wirestorm xdp-live, probe tag")
        for what, sender in (("xdp-live", ours), ("xdp-live with the probe tag", tagged)):
            for other in ring + peers[:1] if sender else []:
                by_time = shown(ratio(sender.kpps, other.kpps), ".2f")
                by_cpu = shown(ratio(per_cpu(sender), per_cpu(other)), ".2f")
                yield (f"- With {who}, {what} is {by_time} × {other.name}, {by_cpu} × for the "
                       "same CPU time.")
