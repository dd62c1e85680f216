#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kv_transfer_check
short_description: Prove that KV cache moves from prefill to decode engines
version_added: 0.1.0
description:
  - Sends prompts that no cache has seen through a service's front door, one after the other, and reads the metrics of
    all engines of both sides before and after each. A prompt is proved when prefill engines computed its tokens and
    decode engines did not.
  - Answers alone prove nothing. A decode engine that gets no cache computes the prompt again, and its answer is right.
  - Each answer is compared, token by token at temperature 0, with that of the prefill engine that read the prompt,
    asked by itself. That engine answers from cache that went nowhere.
  - Other requests only add to what engines count. A prompt beside which too many came is sent again, and is never
    proved by what others did.
  - Runs on the front door's host, which reaches the API of every engine.
  - In check mode it asks, too.
author:
  - The vllm.cluster authors (@vllm-cluster)
extends_documentation_fragment:
  - vllm.cluster.read_only
options:
  services:
    description: The services to check. One of O(services) and O(plan) is needed.
    type: list
    elements: dict
    suboptions:
      name:
        description: How the service is called in the result.
        type: str
        required: true
      url:
        description: Address of its front door, such as V(http://10.77.0.11:8000).
        type: str
        required: true
      model:
        description: Model name that clients use.
        type: str
        required: true
      connector:
        description: vLLM's name of the KV connector. It says what must move, and which counters tell.
        type: str
        required: true
      parts:
        description: The connectors inside C(MultiConnector).
        type: list
        elements: str
        default: []
      version:
        description: The vLLM release of the engines. Without it connectors may leave a part of a block behind.
        type: str
      engines:
        description: All its prefill and decode engines.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: How the engine is called in the result.
            type: str
            required: true
          side:
            description: Which side it is of.
            type: str
            choices: [prefill, decode]
            required: true
          urls:
            description: Addresses of its API. More than one where its ranks answer by themselves.
            type: list
            elements: str
            required: true
      validate_certs:
        description: Whether the certificate of an C(https) address is checked.
        type: bool
        default: true
      ca_path:
        description: File with the certificate authorities to trust instead of the system's.
        type: path
  api_keys:
    description:
      - API keys of front doors by service name, where one is needed.
      - An option of its own, because Ansible's record of the call in the host's log hides whole options only.
    type: dict
    default: {}
  engine_keys:
    description: API keys of engines by service name, where one is needed.
    type: dict
    default: {}
  plan:
    description:
      - The whole plan. Every service with prefill and decode engines whose front door is on the task's host is checked.
      - Read on the controller, which looks the keys up in the variable C(vllm_services).
    type: dict
  prompts:
    description:
      - How many prompts are to be proved for each service. More are sent until each engine had one, up to 32, and where
        other requests hide what happened, up to three times as many.
    type: int
    default: 4
  prompt_tokens:
    description:
      - Tokens of each prompt. By default two and a half blocks of the engines, or chunks of the connector, and no fewer
        than 192.
    type: int
  max_tokens:
    description: How many tokens each answer may have.
    type: int
    default: 16
  timeout:
    description: Seconds for each request that makes no token.
    type: float
    default: 5
  token_timeout:
    description: Seconds for each completion.
    type: float
    default: 60
  settle:
    description: Seconds that counters may lag behind an answer. Waited for only where they do not move.
    type: float
    default: 5
  show_summary:
    description: Whether RV(summary) is shown. Lines go where Ansible's other output goes.
    type: bool
    default: false
  fail_when_unproved:
    description: Whether a service that is not proved fails the task.
    type: bool
    default: true
notes:
  - vLLM counts what connectors bring from 0.11.1 on. Services of earlier releases cannot be proved, and fail.
  - Proxies in the environment are not used.
seealso:
  - module: vllm.cluster.service_check
"""

EXAMPLES = r"""
- name: Prove the services whose front door is on this host
  vllm.cluster.kv_transfer_check:
    plan: "{{ vllm_plan }}"

- name: Prove a service behind a router of one's own
  vllm.cluster.kv_transfer_check:
    services:
      - name: chat
        url: http://10.77.0.11:8000
        model: chat
        connector: NixlConnector
        version: 0.32.0
        engines:
          - {name: p0, side: prefill, urls: ["http://10.77.0.11:8100"]}
          - {name: d0, side: decode, urls: ["http://10.77.0.12:8200"]}
    api_keys:
      chat: "{{ vault_chat_key }}"
    engine_keys:
      chat: "{{ vault_chat_engine_key }}"
  delegate_to: localhost
"""

RETURN = r"""
services:
  description: One item for each service.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
    url:
      description: Address of its front door, or null without one.
      type: str
    connector:
      description: Its KV connector.
      type: str
    ok:
      description: Whether KV cache moves. Null where it could not be asked, for which there is a finding.
      type: bool
    block_size:
      description: Tokens of the largest block of its engines.
      type: int
    sent:
      description: How many prompts were sent.
      type: int
    moved:
      description: How many of them are proved.
      type: int
    prompts:
      description:
        - For each prompt C(verdict) (V(moved), V(not_read) by prefill engines, V(not_brought) to decode engines,
          V(unclear), V(not_counted) or V(no_answer)), C(tokens), and C(needed) (tokens that had to come from prefill
          engines).
        - C(computed_by_prefill), C(brought_to_decode) and C(computed_by_decode) are tokens of all engines of a side,
          others' requests included. C(alone) tells whether decode engines served nobody else.
        - C(prefill) and C(decode) name the engines that took part. C(answer) is V(equal), V(near), V(different) or
          V(not_compared). C(problem) tells why there is none.
      type: list
      elements: dict
    answers:
      description: How many answers were C(equal), C(near) (equal up to a tie of two tokens) and C(different).
      type: dict
      sample: {equal: 4, near: 0, different: 0}
    engines:
      description:
        - For each engine C(name), C(side), and what it added while the prompts went through the front door, C(computed)
          and C(external) in tokens, C(bytes), C(transfers). Null where the release does not count it.
        - C(failed) and C(expired) hold counters of failed and expired transfers by their names, over the whole check.
      type: list
      elements: dict
    findings:
      description: What is wrong, with C(id), C(level) (V(error) or V(warning)), C(side), C(engine), C(what) and C(fix).
      type: list
      elements: dict
      sample:
        - id: kv-not-brought
          level: error
          side: decode
          engine: chat-decode-0
          what: 4 of 4 prompts were computed again
          fix: both sides read and write one folder
    seconds:
      description: How long it took.
      type: float
summary:
  description: Lines for a person about every service. They hold no key.
  returned: always
  type: list
  elements: str
"""

import concurrent.futures
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import check, judge, options, report


def argument_spec() -> dict[str, t.Any]:
    engine = {
        "name": {"type": "str", "required": True},
        "side": {"type": "str", "choices": list(judge.SIDES), "required": True},
        "urls": {"type": "list", "elements": "str", "required": True},
    }
    item = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "model": {"type": "str", "required": True},
        "connector": {"type": "str", "required": True},
        "parts": {"type": "list", "elements": "str", "default": []},
        "version": {"type": "str"},
        "engines": {"type": "list", "elements": "dict", "options": engine, "required": True},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    }
    return {
        "services": {"type": "list", "elements": "dict", "options": item},
        "api_keys": {"type": "dict", "default": {}, "no_log": True},
        "engine_keys": {"type": "dict", "default": {}, "no_log": True},
        "plan": {"type": "dict"},  # used by the action plugin alone, which hands services instead
        "show_summary": {"type": "bool", "default": False},  # used by the action plugin alone
        "prompts": {"type": "int", "default": 4},
        "prompt_tokens": {"type": "int", "no_log": False},
        "max_tokens": {"type": "int", "default": 16, "no_log": False},
        "timeout": {"type": "float", "default": 5},
        "token_timeout": {"type": "float", "default": 60},
        "settle": {"type": "float", "default": 5},
        "fail_when_unproved": {"type": "bool", "default": True},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[["services", "plan"]],
        required_one_of=[["services", "plan"]],
        supports_check_mode=True,
    )
    params = module.params
    if params["services"] is None:
        module.fail_json(msg="plan is read by the action plugin of this module, which did not run: give services")
    problem = options.fault(params)
    if problem is not None:
        module.fail_json(msg=problem)
    try:
        questions = [options.question(params, item) for item in params["services"]]
    except OSError as error:
        module.fail_json(msg=f"ca_path cannot be used: {error}")
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(16, len(questions)))) as pool:
        outcomes = list(pool.map(check.check, questions))
    results = [report.words(asked.name, asked.door.url, outcome) for asked, outcome in zip(questions, outcomes)]
    lines = [line for item in results for line in report.summary(item)]
    failures = [report.failure(item) for item in results if not item["ok"]]
    if failures and params["fail_when_unproved"]:
        module.fail_json(msg=". ".join(failures), services=results, summary=lines)
    module.exit_json(changed=False, services=results, summary=lines)


if __name__ == "__main__":
    main()
