# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front door costs, beside what it is made of and vLLM's demo proxy.

Usage: .venv/bin/python tests/bench/router [--rounds N] [--scale X] [--mode replicas|pd] [--demo FILE]

Prints a table in Markdown. Exits with 1 when the front door takes more than 1.3 times the CPU or the time to the first
token of vllm-router alone, or when a request failed. The engines are stand-ins that answer at once (upstream.py).
All subjects of a mode run at the same time and are asked in turns; each number is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "playbooks" / "collections")]

import processes  # noqa: E402
import subjects  # noqa: E402
from ansible_collections.vllm.cluster.plugins.module_utils.router import environment  # noqa: E402

MOST = 1.3
CONCURRENCY = (1, 16, 64)
#: Requests of one measurement, by clients; streams are 64 times as many pieces.
REQUESTS = {False: {1: 1000, 16: 4000, 64: 4000}, True: {1: 150, 16: 500, 64: 500}}


class Figures(t.NamedTuple):
    """One subject at one load. ttft: milliseconds. cpu: seconds a thousand requests. memory: 10^6 bytes."""

    per_second: float
    ttft_p50: float
    ttft_p99: float
    cpu: float
    memory: float
    errors: float


def programs(cache: Path, demo: str | None) -> subjects.Programs:
    """nginx of the system, or its package unpacked beside; vllm-router from the package index."""
    cache.mkdir(parents=True, exist_ok=True)
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        if not (cache / "nginx/usr/sbin/nginx").exists():
            subprocess.run(["apt-get", "download", "-qq", "nginx"], cwd=cache, check=True, stderr=subprocess.DEVNULL)
            package = next(cache.glob("nginx_*.deb"))
            subprocess.run(["dpkg", "-x", str(package), str(cache / "nginx")], check=True)
        nginx = str(cache / "nginx/usr/sbin/nginx")
    folder = cache / f"vllm-router-{environment.VERSION}"
    if not (folder / "bin/vllm-router").exists():
        wanted = environment.item("", sys.executable)["requirements"]
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", *wanted], check=True)
    if demo:  # it asks uvicorn for uvloop, which vllm-router does not bring
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", "uvloop"], check=True)
    return subjects.Programs(nginx, str(folder), demo)


def measure(subject: subjects.Subject, clients: int, stream: bool, scale: float) -> Figures:
    """Ask a subject once."""
    count = max(clients, int(REQUESTS[stream][clients] * scale))
    words = [str(subject.port), subjects.KEY, str(clients), str(count), str(int(stream))]
    before = processes.cpu_seconds(subject.pids)
    output = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("load.py")), *words], check=True, capture_output=True, text=True
    ).stdout
    spent = processes.cpu_seconds(subject.pids) - before
    told = json.loads(output)
    return Figures(
        told["per_second"],
        told["ttft_p50_ms"],
        told["ttft_p99_ms"],
        1000 * spent / count,
        processes.memory_mb(subject.pids),
        told["errors"],
    )


def rounds(
    found: t.Sequence[subjects.Subject], clients: int, stream: bool, options: argparse.Namespace
) -> dict[str, Figures]:
    """Median figures of each subject; errors are summed."""
    taken: dict[str, list[Figures]] = {subject.name: [] for subject in found}
    for _round in range(options.rounds):
        for subject in found:
            taken[subject.name].append(measure(subject, clients, stream, options.scale))
    return {
        name: Figures(*(statistics.median(column) for column in list(zip(*rows))[:-1]), sum(row.errors for row in rows))
        for name, rows in taken.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests")
    parser.add_argument("--mode", choices=("replicas", "pd"), action="append")
    parser.add_argument("--demo", help="disagg_proxy_demo.py of vLLM's source distribution")
    options = parser.parse_args()
    found = programs(ROOT / ".cache" / "bench-router", options.demo)
    if not options.demo:
        print("skipped: vLLM's demo proxy (--demo names disagg_proxy_demo.py of vLLM's source distribution)\n")
    columns = (
        "mode | answers | clients | | requests/s | TTFT p50 ms (added) | TTFT p99 ms | CPU s / 1000 | MB | CPU, TTFT"
    )
    print(f"| {columns} |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    bad = []
    for mode in options.mode or ("replicas", "pd"):
        with tempfile.TemporaryDirectory() as name:
            os.chmod(name, 0o755)
            with subjects.subjects(mode, found, Path(name)) as running:
                for stream in (False, True):
                    for clients in CONCURRENCY:
                        bad += show(mode, stream, clients, rounds(running, clients, stream, options))
    print("\n".join(["", *bad]) if bad else "")
    return 1 if bad else 0


def show(mode: str, stream: bool, clients: int, found: dict[str, Figures]) -> list[str]:
    """Print the rows of one load; what is wrong with them."""
    load = f"{mode} | {'stream' if stream else 'whole'} | {clients}"
    direct, bare = found["direct"], found["vllm-router"]
    bad = []
    for name, row in found.items():
        ratios = (row.cpu / bare.cpu if bare.cpu else 0.0, row.ttft_p50 / bare.ttft_p50)
        added = row.ttft_p50 - direct.ttft_p50
        print(
            f"| {load} | {name} | {row.per_second:.0f} | {row.ttft_p50:.2f} ({added:+.2f}) | {row.ttft_p99:.1f} "
            f"| {row.cpu:.2f} | {row.memory:.0f} | {ratios[0]:.2f}, {ratios[1]:.2f} |",
            flush=True,
        )
        if row.errors:
            bad.append(f"{load} | {name}: {row.errors:.0f} requests failed")
        if name == "front door" and max(ratios) > MOST:
            bad.append(f"{load}: CPU {ratios[0]:.2f} and TTFT {ratios[1]:.2f} times vllm-router's; {MOST} is the most")
    return bad


if __name__ == "__main__":
    sys.exit(main())
