# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another split of the same model. The file's name makes it the last one: the engine stays as it leaves it."""

from __future__ import annotations

import copy

PROMPTS = ("The quick brown fox", "one two three", "blue bird near the sea")


def test_tensor_parallelism_over_both_hosts_gives_the_tokens_of_one(lab):
    services = copy.deepcopy(lab.variables["vllm_services"])
    services[0]["parallel"] = {"tensor": 2}
    # Halves are summed in another order: with bfloat16 that is enough to choose another token now and then.
    exact = {**lab.variables["small"], "dtype": "float32"}
    run = lab.playbook("site.yml", extra={"vllm_services": services, "small": exact, "vllm_allow_restart": True})
    assert run.status == 0, run.output[-3000:]
    command = lab.host("m1").check_output("systemctl show --property=ExecStart --value vllm-group-0.service")
    assert "--tensor-parallel-size 2" in command
    assert "--pipeline-parallel-size 2" not in command
    for prompt in PROMPTS:
        one = lab.token_ids("m1", 8001, "single", prompt, key="single-key")
        assert lab.token_ids("m1", 8000, "group", prompt, key="group-key") == one
