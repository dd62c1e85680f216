#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vllm_health
short_description: Tell whether vLLM engines of a host really make tokens, and if not, why
version_added: 0.1.0
description:
  - Checks all engines of a host in one call, at the same time, each by four rungs. A rung is tried only when the one
    before it holds.
  - C(unit), the systemd unit is active. C(http), C(/health) answers 200. C(model), C(/v1/models) lists the model.
    C(token), a completion of one token at temperature 0 came back and the token is counted.
  - An engine is healthy when the last rung holds. C(/health) and C(/v1/models) answer 200 while an engine is wedged.
  - For an engine with a unit that is not healthy the journal is read. It tells how far the start has come
    (RV(engines[].progress)) and why the last start failed (RV(engines[].reason)).
  - In check mode it asks too, the completion of one token included.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  engines:
    description: The engines to check.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: How the engine is called in the result.
        type: str
        required: true
      url:
        description:
          - Where this host reaches the engine, such as V(http://127.0.0.1:8000).
          - Without it only O(engines[].unit) is checked.
        type: str
      model:
        description: Name that must be served. Without it the first that is served is asked for the token.
        type: str
      unit:
        description:
          - systemd unit of the engine.
          - When O(engines[].url) is a loopback address, a process outside this unit that holds the port fails the rung
            C(http), unless it runs in a container.
        type: str
      prompt:
        description: Prompt of the completion.
        type: str
        default: Hello
      timeout:
        description: Seconds for each request that makes no token, from connecting to the last byte.
        type: float
        default: 5
      token_timeout:
        description: Seconds for the completion. A busy engine answers when its queue lets it.
        type: float
        default: 60
      validate_certs:
        description: Whether the certificate of an C(https) address is checked.
        type: bool
        default: true
      ca_path:
        description: File with the certificate authorities to trust instead of the system's.
        type: path
  api_keys:
    description:
      - API keys by engine name, where one is needed.
      - An option of its own, because Ansible's record of the call in the host's log hides whole options only.
    type: dict
    default: {}
  fail_when_unhealthy:
    description: Whether an unhealthy engine fails the task.
    type: bool
    default: true
notes:
  - Proxies in the environment are not used.
  - The journal is read as the connecting user. Without the right to read it, progress and reason are missing.
seealso:
  - module: vllm.cluster.engine_wait
  - module: vllm.cluster.service_check
"""

EXAMPLES = r"""
- name: Check two engines
  vllm.cluster.vllm_health:
    engines:
      - name: chat-0
        url: http://127.0.0.1:8000
        model: chat
        unit: vllm-chat-0.service
      - name: chat-1
        url: http://127.0.0.1:8001
        model: chat
        unit: vllm-chat-1.service
    api_keys:
      chat-0: "{{ vault_chat_key }}"
      chat-1: "{{ vault_chat_key }}"

- name: Look without failing
  vllm.cluster.vllm_health:
    engines:
      - {name: mine, url: "http://127.0.0.1:8000", token_timeout: 10}
    fail_when_unhealthy: false
  register: health
"""

RETURN = r"""
engines:
  description: One item for each item of O(engines), in the same order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the engine.
      type: str
    ok:
      description: Whether it is healthy.
      type: bool
    failed_rung:
      description: The rung that failed (V(unit), V(http), V(model) or V(token)), or null.
      type: str
    rungs:
      description: For each rung C(ok) (null when it was not tried), C(detail) and C(seconds).
      type: dict
      sample: {token: {ok: true, detail: 1 token, seconds: 0.031}}
    unit:
      description: The unit as systemd tells it, or null without a unit. C(uptime) is the main process's, in seconds.
      type: dict
      sample: {active_state: active, sub_state: running, result: success, restarts: 0, pid: 812, uptime: 34.2}
    port_holder:
      description:
        - The process outside the unit that holds the engine's port, with C(pid), C(command), C(unit) (its systemd
          service, or null) and C(container) (whether it runs in one), or null.
      type: dict
    progress:
      description:
        - How far the running (or else the last) start has come, with C(phase), C(detail), C(line) (the last telling log
          line), C(since) (when the phase began, UTC) and C(seconds) (how long ago).
        - Null without a unit or a readable journal. For a healthy engine only C(phase) is told.
      type: dict
      sample:
        phase: loading weights
        detail: 2/4 shards (50 %)
        line: "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:02<00:02,  1.10s/it]"
        since: "2026-11-21T01:10:28Z"
        seconds: 2.4
    reason:
      description:
        - Why the last start that ended failed, with C(code), C(summary), C(evidence) (the log line), C(fix) and
          C(permanent) (starting again cannot help). Null when none ended or nothing was found.
      type: dict
      sample:
        code: port_in_use
        summary: port 8000 is already in use, by python3 (pid 411)
        evidence: "OSError: [Errno 98] Address already in use"
        fix: end the process that holds it, or give the service another port
        permanent: false
    hint:
      description: The same for a start that is still running and has logged something that may hold it up, or null.
      type: dict
"""

import concurrent.futures
import time
import typing as t
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.clients import ladder, transport, vllm
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import commands, listeners, phases, report, systemd

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def argument_spec() -> dict[str, t.Any]:
    engine = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str"},
        "model": {"type": "str"},
        "unit": {"type": "str"},
        "prompt": {"type": "str", "default": "Hello"},
        "timeout": {"type": "float", "default": 5},
        "token_timeout": {"type": "float", "default": 60},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    }
    return {
        "engines": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": engine,
            "required_one_of": [["url", "unit"]],
        },
        "api_keys": {"type": "dict", "default": {}, "no_log": True},
        "fail_when_unhealthy": {"type": "bool", "default": True},
    }


def unit_check(state: systemd.UnitState) -> vllm.Check:
    if state.running:
        return vllm.Check(True, f"{state.active} ({state.sub})")
    return vllm.Check(False, state.explain())


def stranger(engine: dict[str, t.Any], state: systemd.UnitState | None) -> listeners.Holder | None:
    """The process that holds a loopback address's port and is not the unit's, or None (also when nobody can tell)."""
    parts = urlsplit(engine["url"] or "")
    if state is None or parts.hostname not in _LOOPBACK or not parts.port:
        return None
    pids = listeners.group_pids(state.control_group)
    if not pids or listeners.listens(parts.port, pids):
        return None
    holder = listeners.holder(parts.port)
    return None if holder is None or holder.container else holder


def climb(
    engine: dict[str, t.Any],
    api_key: str | None,
    state: systemd.UnitState | None,
    holder: listeners.Holder | None,
) -> dict[str, vllm.Check]:
    url = engine["url"]
    server = None
    if url is not None:
        https = url.startswith("https:")
        tls = transport.tls_context(engine["validate_certs"], engine["ca_path"]) if https else None
        server = vllm.Server(url, api_key, engine["timeout"], engine["token_timeout"], tls)
    unit = None if state is None else unit_check(state)
    taken = None if holder is None else f"{holder} holds the port, not this unit"
    return ladder.climb(server, engine["model"], engine["prompt"], unit, taken)


def explain(module: AnsibleModule, engine: dict[str, t.Any], state: systemd.UnitState) -> dict[str, t.Any]:
    """Progress, reason and hint of an engine that is not healthy; who holds a port that is in use is added here."""
    attempts = commands.read_journal(module, engine["unit"])
    port = urlsplit(engine["url"] or "").port
    words = report.findings(attempts, state, port, time.time())
    reason = words["reason"]
    if reason and reason["code"] == "port_in_use" and port and str(port) in reason["summary"]:
        holder = listeners.holder(port)
        if holder is not None:
            reason["summary"] += f", by {holder}"
    return words


def result(
    module: AnsibleModule,
    engine: dict[str, t.Any],
    state: systemd.UnitState | None,
    holder: listeners.Holder | None,
    rungs: dict[str, vllm.Check],
) -> dict[str, t.Any]:
    ok = ladder.healthy(rungs)
    words: dict[str, t.Any] = {
        "name": engine["name"],
        "ok": ok,
        "failed_rung": ladder.first_failure(rungs),
        "rungs": {name: check.as_dict() for name, check in rungs.items()},
        "unit": None if state is None else report.unit_words(state, time.monotonic()),
        "port_holder": None if holder is None else holder._asdict(),
        "progress": None,
        "reason": None,
        "hint": None,
    }
    if state is not None:
        words.update({"progress": {"phase": phases.SERVING}} if ok else explain(module, engine, state))
    return words


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.run_command_environ_update = {"LANG": "C", "LC_ALL": "C"}
    engines = module.params["engines"]
    for engine in engines:
        fault = None if engine["url"] is None else transport.fault(engine["url"])
        if fault is not None:
            module.fail_json(msg=f"engine {engine['name']}: url: {fault}")
    units = commands.read_units(module, [engine["unit"] for engine in engines if engine["unit"]])
    states = [units.get(engine["unit"]) for engine in engines]
    holders = [stranger(engine, state) for engine, state in zip(engines, states)]
    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(16, len(engines)))) as pool:
            keys = [module.params["api_keys"].get(engine["name"]) for engine in engines]
            ladders = list(pool.map(climb, engines, keys, states, holders))
    except OSError as error:
        module.fail_json(msg=f"ca_path cannot be used: {error}")
    results = [result(module, *item) for item in zip(engines, states, holders, ladders)]
    unhealthy = [report.describe(item) for item in results if not item["ok"]]
    if unhealthy and module.params["fail_when_unhealthy"]:
        module.fail_json(msg="; ".join(unhealthy), engines=results)
    module.exit_json(changed=False, engines=results)


if __name__ == "__main__":
    main()
