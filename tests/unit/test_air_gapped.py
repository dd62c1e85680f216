# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory for hosts without the internet leaves no default that leads there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).resolve().parents[2]
#: Roles of users' hosts: the lab is a machine of its own.
ROLES = sorted(path.parents[1] for path in ROOT.glob("roles/*/defaults/main.yml") if path.parents[1].name != "lab")
#: What means a public server as long as it is empty, or has another value.
MEANS_PUBLIC = {
    "vllm_python_index_url": "",
    "vllm_s3_endpoint": "",
    "vllm_time_servers": [],
    "vllm_torch_source": "auto",
    "vllm_container_engine_registry_mirrors": [],
}
#: Debian's package.
NO_SERVER = "docker.io"
OWN = ("mirror.example.internal",)
#: A server's name in an address, an image's name or by itself.
NAME = re.compile(r"(?:[a-z0-9-]+\.)+(?:com|org|net|io|cn|co|ai|dev|internal)(?![a-z0-9.-])")


def defaults():
    found = {}
    for role in ROLES:
        found.update(yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {})
    return found


def rendered(own=()):
    """Every variable of the roles and the inventory, as a host has it. own: instead of the inventory's, by name."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(ROOT / "inventories" / "air_gapped")])
    manager = VariableManager(loader=loader, inventory=inventory)
    variables = {**defaults(), **manager.get_vars(host=inventory.get_hosts()[0]), **dict(own)}
    templar = Templar(loader=loader, variables=variables)
    return {name: templar.template(value) for name, value in variables.items() if name.startswith("vllm_")}


def public(variables):
    """Names of servers by variable, but for the site's own."""
    found = {name: NAME.findall(str(value).lower()) for name, value in variables.items()}
    told = {
        name: [word for word in words if not word.endswith(".example.internal") and word != NO_SERVER]
        for name, words in found.items()
    }
    return {name: words for name, words in told.items() if words}


def test_no_variable_leads_to_a_public_server():
    assert public(rendered()) == {}
    assert rendered()["vllm_hub_endpoint"] == "https://mirror.example.internal/hub"


@pytest.mark.parametrize("name", sorted(MEANS_PUBLIC))
def test_nothing_is_left_that_means_a_public_server(name):
    assert defaults()[name] == MEANS_PUBLIC[name]
    assert rendered()[name] != MEANS_PUBLIC[name]


def test_every_default_with_an_address_would_be_found():
    """Without the inventory's value each of them is one."""
    addresses = {name for name, value in defaults().items() if "://" in str(value)}
    assert addresses
    for name in addresses:
        assert name in public(rendered({name: defaults()[name]})), name


def test_its_plan_leads_to_no_public_server():
    plan = (ROOT / "tests" / "golden" / "air_gapped.plan.json").read_text()
    assert not [word for word in re.findall(r"https?://([^/\"' :]+)", plan) if NAME.search(word) and word not in OWN]
    # An engine in a container fetches its model itself.
    assert '"HF_ENDPOINT": "https://mirror.example.internal/hub"' in plan
    assert "mirror.example.internal:5000/vllm/vllm-openai:v0.32.0" in plan
