# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's lab and its services. PD_CONNECTORS names those that stand, as in the inventory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.testinfra.lab import Lab
from tests.testinfra.split import BLOCK, Split, answer, bodies

CHOSEN = tuple(os.environ["PD_CONNECTORS"].split(",")) if os.environ.get("PD_CONNECTORS") else ()
#: What stands together, one after the other: six engines are what a small machine holds.
STAGES = (CHOSEN,) if CHOSEN else (("nixl",), ("shared_storage", "lmcache_mp"), ("mooncake", "multi"))
#: CI has few cores and an hour for everything: it leaves out the connectors that come after NIXL.
SHORT = os.environ.get("CI") == "true" and not CHOSEN


@pytest.fixture(scope="session")
def lab():
    return Lab(Path(__file__).resolve().parents[1] / "inventory")


class Deployment:
    """What of the scenario's services stands."""

    def __init__(self, lab):
        self.lab, self.stage = lab, STAGES[0]

    def __call__(self, connector):
        """The service of a connector. Where another one stands, site.yml puts it in its place."""
        stage = next(stage for stage in STAGES if connector in stage)
        if stage != self.stage:
            run = self.playbook("site.yml", stage, extra={"vllm_allow_restart": True})
            assert run.status == 0, run.output[-3000:]
            self.stage = stage
        return Split(self.lab, self.lab.variables["pd_services"][connector])

    def playbook(self, name, stage=None, **options):
        return self.lab.playbook(name, environment={"PD_CONNECTORS": ",".join(stage or self.stage)}, **options)


@pytest.fixture(scope="session")
def deployed(lab):
    return Deployment(lab)


@pytest.fixture(scope="session", params=[connector for stage in STAGES for connector in stage])
def service(request, deployed):
    return deployed(request.param)


@pytest.fixture(scope="session")
def questions(lab):
    """Ten requests that no engine has seen: ((path, body), token ids that one engine answers, tokens of the prompt)."""
    plain = lab.variables["pd_services"]["plain"]
    place = (lab, plain["hosts"], plain["port"], plain["name"], plain["api_key"])
    found = [(body, *answer(*place, *body)) for body in bodies(time.time_ns(), 14)]
    # Where a block is just full connectors differ in what they count; ExampleConnector misses its own file.
    return [item for item in found if item[2] % BLOCK > 1][:10]


def pytest_collection_modifyitems(config, items):
    """Of services that were not chosen there is nothing to test."""
    names = {connector for stage in STAGES for connector in stage}
    of = {item: item.callspec.params.get("service", "nixl") if hasattr(item, "callspec") else "nixl" for item in items}
    config.hook.pytest_deselected(items=[item for item in items if of[item] not in names])
    items[:] = [item for item in items if of[item] in names]
    later = pytest.mark.skip(reason="not in CI's hour: `make molecule SCENARIO=pd` without CI=true")
    for item in items:
        if SHORT and of[item] not in STAGES[0]:
            item.add_marker(later)
