# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine works: what /metrics, /health and the canary tell, and for how long they have told nothing."""

from __future__ import annotations

import dataclasses

from .model import Api, Canary, Page, Rules


@dataclasses.dataclass
class Core:
    """One engine core. moved: when its counters moved last, or when its batch was last empty."""

    page: Page
    moved: float


@dataclasses.dataclass
class Watch:
    """What is known of the engine in this epoch.

    ready: it answered /health and made a token; healthy: the last word of /health; failing: since when it is bad;
    proof: a moment at which every member surely worked; asked: since when a canary is out; usable: the canary can make
    a token at all (False: the API refuses it); moved: when anything moved last.
    """

    ready: float | None = None
    healthy: bool = False
    failing: float | None = None
    failure: str = ""
    cores: dict[str, Core] = dataclasses.field(default_factory=dict)
    paged: float | None = None
    asleep: bool = False
    proof: float | None = None
    moved: float = 0.0
    asked: float | None = None
    ended: float | None = None
    seconds: float | None = None
    usable: bool = True
    refusal: str = ""
    waiting: float = 0.0


def see(watch: Watch, api: Api, now: float) -> None:
    """Take in what the API said since the last tick."""
    watch.waiting = api.waiting
    if api.health is not None:
        watch.healthy = api.health == "ok"
        watch.failing = None if watch.healthy else (now if watch.failing is None else watch.failing)
        watch.failure = "" if watch.healthy else api.health
    if api.pages is not None:
        _pages(watch, api, now)
    if api.canary is not None:
        _canary(watch, api.canary, now)
    if watch.ready is None and watch.healthy and (watch.proof is not None or not watch.usable):
        watch.ready = watch.moved = now
        for core in watch.cores.values():
            core.moved = now


def _pages(watch: Watch, api: Api, now: float) -> None:
    moved = False
    for name, page in (api.pages or {}).items():
        core = watch.cores.get(name)
        if core is None:
            watch.cores[name] = Core(page, now)
            continue
        if page.moves != core.page.moves:
            moved = True
            core.moved = now
        elif not page.running or not core.page.running:
            core.moved = now
        core.page = page
    watch.asleep = any(page.asleep for page in (api.pages or {}).values())
    if moved:
        watch.moved = now
        if watch.paged is not None and watch.ready is not None:
            # What moved did so after the page before was asked for.
            watch.proof = max(watch.proof or 0.0, watch.paged)
    watch.paged = now


def _canary(watch: Watch, canary: Canary, now: float) -> None:
    watch.asked = None
    watch.ended = now
    if canary.outcome == "token":
        watch.usable, watch.refusal = True, ""
        watch.seconds = canary.seconds
        watch.moved = now
        watch.proof = max(watch.proof or 0.0, canary.started)
    elif canary.outcome == "refused":
        watch.usable, watch.refusal = False, canary.text


def stalled(watch: Watch, now: float, poll_limit_s: float = 2.0) -> tuple[float, str]:
    """For how many seconds something is owed and nothing comes, and what: requests, the canary, the API itself."""
    found = [(0.0, "")]
    for name, core in watch.cores.items():
        if core.page.running:
            which = f" on engine core {name}" if len(watch.cores) > 1 else ""
            found.append((now - core.moved, f"{core.page.running:g} requests run{which} and no token comes"))
    if watch.asked is not None:
        found.append((now - max(watch.asked, watch.moved), "the canary is not answered"))
    if watch.waiting > poll_limit_s:
        found.append((watch.waiting, "the API does not answer"))
    return max(found)


def failing_for(watch: Watch, now: float) -> float:
    """For how many seconds /health has said 5xx or refused the connection."""
    return 0.0 if watch.failing is None else now - watch.failing


def wants_canary(watch: Watch, now: float, rules: Rules, doubt: bool) -> bool:
    """Whether to ask for a token: readiness to be proved, nothing moved for a while, or (doubt) a member is not heard.

    Never beside running requests: they are the better witness, and a canary would wait behind them.
    """
    if watch.asked is not None or not watch.healthy or watch.asleep:
        return False
    pause = 1.0 if doubt and watch.usable else rules.canary_every_s
    if watch.ended is not None and now - watch.ended < pause:
        return False
    if watch.ready is None:
        return True
    if any(core.page.running for core in watch.cores.values()):
        return False
    return doubt or now - watch.moved >= rules.canary_every_s


def shift(watch: Watch, seconds: float) -> None:
    """Move the waiting clocks on by a time in which nobody looked."""
    for core in watch.cores.values():
        core.moved += seconds
    watch.moved += seconds
    watch.asked = None if watch.asked is None else watch.asked + seconds
    watch.failing = None if watch.failing is None else watch.failing + seconds
    watch.waiting = 0.0
