# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard shows: metrics for node_exporter's textfile collector, and the status document."""

from __future__ import annotations

import dataclasses
from typing import Any

from .head import Head
from .settings import Settings
from .worker import Worker


@dataclasses.dataclass
class Deeds:
    """What the guard did since the boot. restarts: by reason; last: the line and the wall clock's time of the last."""

    restarts: dict[str, int] = dataclasses.field(default_factory=dict)
    last: str = ""
    last_at: float | None = None

    def count(self, reason: str, text: str, wall: float) -> None:
        """Note a restart."""
        self.restarts[reason] = self.restarts.get(reason, 0) + 1
        self.last, self.last_at = text, wall


def restored_deeds(document: Any) -> Deeds:
    """Deeds from a file; ValueError where they are none."""
    try:
        restarts = {str(reason): int(count) for reason, count in document["restarts"].items()}
        at = document["last_at"]
        return Deeds(restarts, str(document["last"]), None if at is None else float(at))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from None


def status(settings: Settings, state: Head | Worker, deeds: Deeds, now: float, wall: float) -> dict[str, Any]:
    """The status document (docs/guard.md). Ages in seconds; ``written`` and ``last_action.at``: Unix time."""
    document: dict[str, Any] = {
        "engine": settings.engine,
        "service": settings.service,
        "role": settings.role,
        "member": settings.member,
        "units": list(settings.units),
        "units_state": state.own.state if state.own else None,
        "restarts": deeds.restarts,
        "last_action": {"text": deeds.last, "at": deeds.last_at} if deeds.last else None,
        "written": round(wall, 1),
    }
    if isinstance(state, Worker):
        view = state.view
        document["phase"] = view.phase if view else "head not heard"
        document["epoch"] = state.record.number if state.record else None
        document["head_epoch"] = view.number if view else None
        return document
    watch = state.watch
    document["phase"] = state.phase
    document["epoch"] = state.epoch.number if state.epoch else None
    document["epoch_age"] = round(now - state.epoch.begun, 1) if state.epoch else None
    document["suspect"] = state.suspect
    document["canary_seconds"] = watch.seconds
    document["canary_refused"] = watch.refusal or None
    document["members"] = {
        name: {
            "up": member.linked,
            "heard": None if member.heard is None else round(max(0.0, now - member.heard), 1),
            "joined": member.joined is not None,
            "fault": member.fault or None,
        }
        for name, member in state.members.items()
    }
    return document


def metrics(settings: Settings, state: Head | Worker, deeds: Deeds) -> str:
    """The metrics page, of the text format 0.0.4."""
    base = f'engine="{settings.engine}",role="{settings.role}"'
    rows: list[tuple[str, str, str, list[tuple[str, float]]]] = []
    reasons = [(f'{base},reason="{reason}"', float(count)) for reason, count in sorted(deeds.restarts.items())]
    text = "Restarts of this member's units by the guard."
    rows.append(("restarts_total", "counter", text, reasons))
    last = [] if deeds.last_at is None else [(base, deeds.last_at)]
    rows.append(("last_restart_timestamp_seconds", "gauge", "When the guard restarted units last.", last))
    if isinstance(state, Worker):
        epoch = [] if state.record is None else [(base, float(state.record.number))]
        rows.append(("epoch", "gauge", "The epoch that this member's units belong to.", epoch))
        up = [(f'{base},member="head"', float(state.linked))]
        rows.append(("member_up", "gauge", "Whether the member's guard is heard.", up))
    else:
        epoch = [] if state.epoch is None else [(base, float(state.epoch.number))]
        rows.append(("epoch", "gauge", "The group's epoch: it counts the lives of the head's units.", epoch))
        up = [(f'{base},member="{name}"', float(member.linked)) for name, member in sorted(state.members.items())]
        rows.append(("member_up", "gauge", "Whether the member's guard is heard.", up))
        rows.append(("ready", "gauge", "Whether the engine made a token in this epoch.", [(base, _ready(state))]))
        rows.append(
            ("suspect", "gauge", "Whether something is owed and no token comes.", [(base, float(state.suspect))])
        )
        seconds = [] if state.watch.seconds is None else [(base, state.watch.seconds)]
        rows.append(("canary_seconds", "gauge", "How long the last canary's token took.", seconds))
    lines: list[str] = []
    for name, kind, text, samples in rows:
        if samples:
            lines += [f"# HELP vllm_guard_{name} {text}", f"# TYPE vllm_guard_{name} {kind}"]
            lines += [f"vllm_guard_{name}{{{labels}}} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _ready(state: Head) -> float:
    return float(state.phase == "serving")
