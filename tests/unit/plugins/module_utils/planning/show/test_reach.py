# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that tells who reaches what of a service."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import reach, text
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show.digest import digest

from ..test_fences import WIDE
from ..test_plan_said import planned

NETWORKS = {"vllm_client_networks": ["10.2.0.0/16"]}


@pytest.mark.parametrize(
    ("service", "variables", "line"),
    [
        ({"gpus": 1}, {}, "everyone may call it"),
        ({"gpus": 1}, NETWORKS, "10.2.0.0/16 may call it"),
        ({"gpus": 1, "listen": "127.0.0.1"}, {}, "its own host alone may call it"),
        (WIDE, {}, "everyone may call it; its internal ports are for its members"),
        (WIDE, {**NETWORKS, "vllm_monitoring_networks": ["10.3.0.0/16"]},
         "10.2.0.0/16, 10.3.0.0/16 may call it; its internal ports are for its members"),
    ],
)  # fmt: skip
def test_the_line(service, variables, line):
    plan = planned(service, **variables)[0]
    assert reach.told(plan, digest(plan).parts[0]) == line
    assert f"            {line}" in text.as_text(plan).splitlines()
