# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's ranks among the processes of a unit or its container: the unit may live on long after one of them died.

With Ray it does so for ever, and the engine says nothing for as long as a step may take.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os

from .model import UP, Own

#: How vLLM names its ranks and engine cores (setproctitle), and Ray the actors that hold them.
_NAMES = (b"VLLM::Worker", b"VLLM::EngineCor", b"ray::RayWorker")
#: Where control groups are, by cgroup version.
ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd")
#: A process that lived shorter may be a helper that had not taken its own name yet.
_OLD_S = 10.0


def exists(group: str, roots: tuple[str, ...] = ROOTS) -> bool:
    """Whether there is such a control group; False for "", which is none."""
    return bool(group) and any(os.path.exists(f"{root}{group}/cgroup.procs") for root in roots)


def running(group: str, roots: tuple[str, ...] = ROOTS, proc: str = "/proc") -> frozenset[int]:
    """The ranks in a control group, such as ``/system.slice/vllm-chat-0.service``; none where nothing can be read."""
    found = set()
    for root in roots if group else ():
        with contextlib.suppress(OSError), open(f"{root}{group}/cgroup.procs", encoding="ascii") as file:
            for pid in file.read().split():
                with contextlib.suppress(OSError), open(os.path.join(proc, pid, "comm"), "rb") as name:
                    if name.read(16).startswith(_NAMES):
                        found.add(int(pid))
            break
    return frozenset(found)


@dataclasses.dataclass
class Ranks:
    """The ranks that were seen in these invocations, each since when; gone: since when one of them is missed."""

    units: str = ""
    seen: dict[int, float] = dataclasses.field(default_factory=dict)
    gone: float | None = None


def see(ranks: Ranks, own: Own, now: float) -> None:
    """Take in what runs now. While units change, nobody is missed."""
    if own.state != UP or own.ids != ranks.units:
        ranks.units, ranks.seen, ranks.gone = own.ids, {}, None
    if own.state != UP:
        return
    missed = [pid for pid, since in ranks.seen.items() if pid not in own.ranks and now - since >= _OLD_S]
    ranks.seen = {pid: ranks.seen.get(pid, now) for pid in own.ranks}
    if missed and ranks.gone is None:
        ranks.gone = now
