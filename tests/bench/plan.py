# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long planning takes, and how much memory, from ten hosts to a thousand.

Usage: .venv/bin/python tests/bench/plan.py

Prints a table in Markdown. Exits with 1 when a thousand hosts take too long or too much, or when a host costs more
in a larger fleet than in a smaller one. Each row is the best of several fresh processes, each on one core. The time
is that of intent.parse and plan.plan; the memory is the process's peak, with the interpreter and the probes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "playbooks" / "collections")]

RUNS = 3
#: (hosts, services). The first of each size are the same number of hosts a service.
SIZES = ((10, 2), (100, 20), (1000, 200), (10, 20), (100, 2), (100, 200), (1000, 2), (1000, 20))
MOST_SECONDS = 2.0
MOST_MB = 300.0
#: What a host may cost more in a fleet ten times as large: caches of the processor and the machine's moods.
MARGIN = 1.5


class Row(t.NamedTuple):
    """One size. peak_mb: 10^6 bytes."""

    hosts: int
    services: int
    engines: int
    seconds: float
    peak_mb: float

    @property
    def ms_per_host(self) -> float:
        return 1000 * self.seconds / self.hosts


def measure(hosts: int, services: int) -> Row:
    """Plan once, in this process."""
    from tests.bench.fleet import fleet

    made = fleet(hosts, services)
    start = time.perf_counter()
    plan = made.plan()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    return Row(hosts, services, len(plan["engines"]), seconds, peak)


def best(hosts: int, services: int) -> Row:
    """The fastest of several fresh processes, with the highest peak of them."""
    rows = []
    for _run in range(RUNS):
        command = [sys.executable, __file__, str(hosts), str(services)]
        rows.append(Row(*json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)))
    return min(rows, key=lambda row: row.seconds)._replace(peak_mb=max(row.peak_mb for row in rows))


def judge(rows: t.Sequence[Row]) -> list[str]:
    """What is over the limits."""
    wrong = []
    for row in rows:
        size = f"{row.hosts} hosts with {row.services} services"
        if row.seconds >= MOST_SECONDS:
            wrong.append(f"{size} take {row.seconds:.2f} s; {MOST_SECONDS} s is the limit")
        if row.peak_mb >= MOST_MB:
            wrong.append(f"{size} take {row.peak_mb:.0f} MB; {MOST_MB:.0f} MB is the limit")
    same = sorted(row for row in rows if row.hosts == 5 * row.services)
    for small, large in zip(same, same[1:]):
        if large.ms_per_host > MARGIN * small.ms_per_host:
            wrong.append(
                f"a host costs {large.ms_per_host:.2f} ms among {large.hosts} and {small.ms_per_host:.2f} ms among "
                f"{small.hosts}: more than {MARGIN} times as much"
            )
    return wrong


def main(arguments: t.Sequence[str]) -> int:
    if arguments:
        # Before anything is measured: no other core helps.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        hosts, services = map(int, arguments)
        print(json.dumps(measure(hosts, services)))
        return 0
    rows = [best(*size) for size in SIZES]
    print("| hosts | services | engines | seconds | peak MB | ms per host |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in sorted(rows):
        numbers = f"{row.seconds:.3f} | {row.peak_mb:.0f} | {row.ms_per_host:.2f}"
        print(f"| {row.hosts} | {row.services} | {row.engines} | {numbers} |")
    wrong = judge(rows)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
