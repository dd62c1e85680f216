# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look until engines have ended their requests, showing how many are left. Documented in modules/router_workers.py."""

from __future__ import annotations

import time
import typing as t

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_LOOK_S, _DRAIN_S = 10.0, 300.0

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        patience = float(arguments.get("drain_timeout", _DRAIN_S))
        arguments.setdefault("look", min(_LOOK_S, patience))
        began = time.monotonic()
        whole: dict[str, t.Any] = {}
        while True:
            answer = self._execute_module(
                module_name="vllm.cluster.router_workers", module_args=arguments, task_vars=task_vars
            )
            if answer.get("failed") or answer.get("unreachable") or self._task.check_mode:
                return {**result, **answer}
            # What the first look changed is not a later look's.
            whole = {**answer, **{key: whole[key] for key in ("added", "renewed", "removed", "diff") if key in whole}}
            whole["changed"] = whole["changed"] or bool(whole["removed"] or whole["added"] or whole["renewed"])
            arguments["renew"] = False
            elapsed = time.monotonic() - began
            if answer["quiet"] or elapsed >= patience:
                return {**result, **self._ended(whole, elapsed, boolean(arguments.get("force", False)), patience)}
            display.display(f"  {_left(answer)}, {elapsed:.0f} s", color=constants.COLOR_VERBOSE)

    def _ended(self, whole: dict[str, t.Any], elapsed: float, force: bool, patience: float) -> dict[str, t.Any]:
        whole["seconds"] = round(elapsed, 1)
        if whole["quiet"] or not patience:
            return whole
        told = f"{_left(whole)} after {elapsed:.0f} s"
        if force:
            display.warning(f"{told}: given up")
            return whole
        return {**whole, "failed": True, "msg": f"{told}. Fix: a longer drain_timeout, or force"}


def _left(answer: dict[str, t.Any]) -> str:
    left = {url: "does not say" if count is None else f"has {count:.0f}" for url, count in answer["requests"].items()}
    return f"requests: {', '.join(f'{url} {told}' for url, told in left.items())}"
