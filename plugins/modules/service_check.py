#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_check
short_description: Check vLLM services through their front door, as a client would
version_added: 0.1.0
description:
  - Asks each service at the address that its clients use, from the host that the task runs on. All services are asked
    at the same time.
  - V(health), C(/health) answers 200. V(models), C(/v1/models) lists the model. V(completion) and V(chat), an answer at
    temperature 0 came back and its tokens are counted. V(stream), a streamed completion arrives and is closed.
    V(wrong_key), a wrong key and no key get 401. Without a configured key that check is not done, and says so.
  - In check mode it asks too, completions included.
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
        description: Model name that clients use. Without it the first that is listed is asked.
        type: str
      validate_certs:
        description: Whether the certificate of an C(https) address is checked.
        type: bool
        default: true
      ca_path:
        description: File with the certificate authorities to trust instead of the system's.
        type: path
  api_keys:
    description:
      - API keys by service name, where one is needed.
      - An option of its own, because Ansible's record of the call in the host's log hides whole options only.
    type: dict
    default: {}
  plan:
    description:
      - The whole plan. Every endpoint on the task's host is checked.
      - Read on the controller, which looks the keys up in the variable C(vllm_services).
    type: dict
  checks:
    description: The checks to do.
    type: list
    elements: str
    choices: [health, models, completion, chat, stream, wrong_key]
    default: [health, models, completion, chat, stream, wrong_key]
  prompt:
    description: Prompt of the completions.
    type: str
    default: Hello
  max_tokens:
    description: How many tokens each completion may have.
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
  show_summary:
    description: Whether RV(summary) is shown, ready to be copied. Lines go where Ansible's other output goes.
    type: bool
    default: false
  fail_when_unhealthy:
    description: Whether a failed check fails the task.
    type: bool
    default: true
notes:
  - A model without a chat template cannot chat. Leave V(chat) out of O(checks) for it.
  - Proxies in the environment are not used.
seealso:
  - module: vllm.cluster.vllm_health
"""

EXAMPLES = r"""
- name: Check the services whose front door is on this host
  vllm.cluster.service_check:
    plan: "{{ vllm_plan }}"

- name: Check a service of one's own making
  vllm.cluster.service_check:
    services:
      - name: chat
        url: http://10.77.0.11:8000
        model: chat
    api_keys:
      chat: "{{ vault_chat_key }}"
    checks: [models, completion, wrong_key]
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
      description: Address of its front door.
      type: str
    model:
      description: Name of its model, or null when none was given.
      type: str
    ok:
      description: Whether no check failed and at least one held.
      type: bool
    keyed:
      description: Whether it was asked with an API key.
      type: bool
    checks:
      description: For each check C(ok) (null when it was not done), C(detail) and C(seconds).
      type: dict
      sample: {wrong_key: {ok: true, detail: a wrong key and no key get 401, seconds: 0.01}}
    completion_text:
      description: The text of the completion, or null.
      type: str
    chat_text:
      description: The text of the chat answer, or null.
      type: str
summary:
  description: Lines for a person about every service, with a command to try it. They hold no key.
  returned: always
  type: list
  elements: str
"""

import concurrent.futures
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.clients import service, summary, transport, vllm


def argument_spec() -> dict[str, t.Any]:
    item = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "model": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    }
    return {
        "services": {"type": "list", "elements": "dict", "options": item},
        "api_keys": {"type": "dict", "default": {}, "no_log": True},
        "plan": {"type": "dict"},  # used by the action plugin alone, which hands services instead
        "show_summary": {"type": "bool", "default": False},  # used by the action plugin alone
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(service.CHECKS),
            "default": list(service.CHECKS),
        },
        "prompt": {"type": "str", "default": "Hello"},
        "max_tokens": {"type": "int", "default": 16, "no_log": False},
        "timeout": {"type": "float", "default": 5},
        "token_timeout": {"type": "float", "default": 60},
        "fail_when_unhealthy": {"type": "bool", "default": True},
    }


def check(params: dict[str, t.Any], item: dict[str, t.Any]) -> dict[str, t.Any]:
    https = item["url"].startswith("https:")
    tls = transport.tls_context(item["validate_certs"], item["ca_path"]) if https else None
    server = vllm.Server(
        item["url"], params["api_keys"].get(item["name"]), params["timeout"], params["token_timeout"], tls
    )
    request = service.Request(item["model"], params["prompt"], params["max_tokens"])
    answers = service.check_service(server, request, params["checks"])
    return service.service_words(item["name"], server, request, answers)


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
    for item in params["services"]:
        fault = transport.fault(item["url"])
        if fault is not None:
            module.fail_json(msg=f"service {item['name']}: url: {fault}")
    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(16, len(params["services"])))) as pool:
            results = list(pool.map(lambda item: check(params, item), params["services"]))
    except OSError as error:
        module.fail_json(msg=f"ca_path cannot be used: {error}")
    lines = [line for item in results for line in summary.summary(item, params["prompt"])]
    failures = [summary.failure(item) for item in results if not item["ok"]]
    if failures and params["fail_when_unhealthy"]:
        module.fail_json(msg=". ".join(failures), services=results, summary=lines)
    module.exit_json(changed=False, services=results, summary=lines)


if __name__ == "__main__":
    main()
