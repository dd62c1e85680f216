# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait on the controller until a host's engines make tokens. Documented in plugins/modules/engine_wait.py."""

from __future__ import annotations

import time
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis.waiting import Watch
from ansible_collections.vllm.cluster.plugins.module_utils.environments import going_back
from ansible_collections.vllm.cluster.plugins.module_utils.status import guards
from ansible_collections.vllm.cluster.plugins.plugin_utils.secrets import look_up

_KEY_VARIABLE = "VLLM_API_KEY"
_NEEDED = ("name", "kind", "health_url", "served_model_name", "start_timeout_s")

display = Display()


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "units": {"type": "list", "elements": "dict", "required": True},
                "interval": {"type": "float", "default": 3},
                "report_interval": {"type": "float", "default": 10},
                "max_restarts": {"type": "int", "default": 2},
                "timeout": {"type": "float", "default": 5},
                "token_timeout": {"type": "float", "default": 30},
                "former_envs": {"type": "list", "elements": "path", "default": []},
                "show_progress": {"type": "bool", "default": True},
            }
        )[1]
        units = self._engine_units(options["units"])
        result.update({"changed": False, "engines": [], "seconds": 0.0})
        if not units:
            result["msg"] = "none of the units is an engine"
        elif self._task.check_mode:
            result["skipped"] = True
            result["msg"] = f"check mode: not waited for {', '.join(unit['name'] for unit in units)}"
        else:
            result.update(self._wait(units, options, task_vars))
        return result

    def _engine_units(self, units: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        """The engine units, and of members on Ray that have none the unit of Ray, which holds the engine's ranks."""
        engines = [unit for unit in units if unit.get("kind") == "engine"]
        headed = {unit.get("engine") for unit in engines}
        engines += [unit for unit in units if unit.get("kind") == "ray" and unit.get("engine") not in headed]
        for unit in engines:
            missing = [key for key in _NEEDED if key not in unit]
            if missing:
                raise AnsibleActionFail(f"units: {unit.get('name', '?')} lacks {', '.join(missing)}")
        return engines

    def _wait(
        self, units: list[dict[str, t.Any]], options: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        host = str(task_vars.get("inventory_hostname", "?"))
        guarded = {unit.get("engine") for unit in options["units"] if unit.get("kind") == "guard"}
        questions, keys = self._questions(units, guarded, options)
        arguments = {"engines": questions, "api_keys": keys, "fail_when_unhealthy": False}
        watches = [
            Watch(unit["name"], unit["start_timeout_s"], options["max_restarts"], options["report_interval"])
            for unit in units
        ]
        began = time.monotonic()
        while True:
            answer = self._execute_module(
                module_name="vllm.cluster.vllm_health", module_args=arguments, task_vars=task_vars
            )
            if answer.get("failed") or answer.get("unreachable"):
                return answer
            found = answer["engines"]
            elapsed = time.monotonic() - began
            for watch, finding in zip(watches, found):
                line = watch.feed(finding, elapsed)
                if line and options["show_progress"]:
                    display.display(f"  {host} {watch.unit}: {line}", color=constants.COLOR_VERBOSE)
            outcome = {"engines": self._outcomes(watches, found), "seconds": round(elapsed, 1)}
            failures = [f"on {host} {watch.failure}" for watch in watches if watch.failure]
            if failures:
                waiting = [
                    f"{watch.unit} ({watch.where(finding)})"
                    for watch, finding in zip(watches, found)
                    if not watch.ready and not watch.failure
                ]
                also = [f"Not waited for any longer: {', '.join(waiting)}"] if waiting else []
                back = [going_back.advice(options["former_envs"])] if options["former_envs"] else []
                return {**outcome, "failed": True, "msg": ". ".join(failures + also + back)}
            if all(watch.ready for watch in watches):
                return outcome
            time.sleep(options["interval"])

    def _questions(
        self, units: list[dict[str, t.Any]], guarded: set[t.Any], options: dict[str, t.Any]
    ) -> tuple[list[dict[str, t.Any]], dict[str, str]]:
        """The module's ``engines`` and ``api_keys``. Keys are put in here, and only here: the option hides them.

        guarded: engines that have a guard on this host; it is asked in the place of units that serve no HTTP.
        """
        questions, keys = [], {}
        for unit in units:
            question = {
                "name": unit.get("engine") or unit["name"],
                "url": unit["health_url"],
                "model": unit["served_model_name"],
                "unit": unit["name"],
                "timeout": options["timeout"],
                "token_timeout": options["token_timeout"],
            }
            if not unit["health_url"] and unit.get("engine") in guarded:
                question["guard"] = guards.path(unit["engine"])
            reference = (unit.get("secrets") or {}).get(_KEY_VARIABLE)
            if reference:
                keys[question["name"]] = look_up(self._templar, reference)
            questions.append(question)
        return questions, keys

    def _outcomes(self, watches: list[Watch], found: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        return [
            {
                "engine": finding["name"],
                "unit": watch.unit,
                "ok": finding["ok"],
                "waited": round(watch.waited, 1),
                "uptime": finding["unit"]["uptime"],
                "restarts": finding["unit"]["restarts"],
                "rungs": finding["rungs"],
                "progress": finding["progress"],
                "reason": finding["reason"],
            }
            for watch, finding in zip(watches, found)
        ]
