# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside scenarios that look at the clock gets few processor shares; every scenario is run once."""

from __future__ import annotations

import pytest
import stages
import yaml
from checkout import ROOT

SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/converge.yml"))


def test_every_scenario_belongs_to_one_stage():
    ran = [step.name for stage in (stages.molecule, stages.readying) for step in stage()]
    assert sorted(ran) == SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_scenarios_beside_others_have_few_shares(name):
    lab = yaml.safe_load((ROOT / f"molecule/{name}/inventory/group_vars/all/lab.yml").read_text())
    assert (lab.get("lab_cpu_shares", 1024) < 1024) == (name in stages.READYING)
