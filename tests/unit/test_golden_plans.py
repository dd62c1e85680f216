# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example inventory gives the plan that lies beside it: Ansible reads the inventory, the planner plans.

To take over a wanted change: UPDATE_GOLDEN=1 make unit, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent, plan
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import document, page, text
from ansible_collections.vllm.cluster.plugins.plugin_utils import probes_file

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
INVENTORIES = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())


def planned(name):
    """The plan of an example inventory, with the recorded probes."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(ROOT / "inventories" / name)])
    manager = VariableManager(loader=loader, inventory=inventory)
    first = inventory.get_hosts()[0]
    variables = manager.get_vars(host=first)
    templar = Templar(loader=loader, variables=variables)
    mine = {key: plain(templar.template(value)) for key, value in variables.items() if key.startswith("vllm")}
    own_env = {host.name: plain(manager.get_vars(host=host).get("vllm_host_env")) for host in inventory.get_hosts()}
    wanted = intent.parse(mine, lambda pattern: [host.name for host in inventory.get_hosts(pattern)], own_env.get)
    addresses = {}
    for host in inventory.get_hosts():
        own = manager.get_vars(host=host)
        addresses[host.name] = str(Templar(loader=loader, variables=own).template(own.get("ansible_host", host.name)))
    saved = probes_file.read(str(GOLDEN / f"{name}.probes.json"), wanted.members)
    return plan.plan(wanted, saved.probes, addresses, saved.models)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", INVENTORIES)
@pytest.mark.parametrize("form", ["json", "txt"])
def test_an_example_gives_its_plan(name, form):
    shown = (document.as_json if form == "json" else text.as_text)(planned(name))
    path = GOLDEN / f"{name}.plan.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown)
    assert shown == path.read_text()


def test_every_golden_plan_has_an_inventory():
    assert {path.name.partition(".")[0] for path in GOLDEN.iterdir()} == set(INVENTORIES)


@pytest.mark.parametrize("name", INVENTORIES)
def test_no_secret_is_in_a_golden_plan(name):
    shown = "".join((GOLDEN / f"{name}.plan.{form}").read_text() for form in ("json", "txt")) + page.as_html(
        planned(name)
    )
    assert "change-me" not in shown
    assert "demo-key" not in shown
