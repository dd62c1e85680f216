# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ufw and firewalld are told. That they take it so was tried on both (docs/network.md)."""

from __future__ import annotations

import xml.etree.ElementTree

from ansible_collections.vllm.cluster.plugins.module_utils.fence import openings
from ansible_collections.vllm.cluster.plugins.module_utils.fence.openings import Opening

from .samples import ANYONE, item, read

FENCE = read(
    item(None, "10.9.0.2", interface="ib0"),
    item([29400, [20000, 20063]], "10.9.0.2", interface="ib0"),
    item([6384], "10.1.0.0/16", "fd00::/8"),
    item([8000, [9000, 9001]], *ANYONE),
)
#: As ufw 0.36.2 prints them.
SHOWN = """\
Added user rules (see 'ufw status' for running firewall):
ufw allow 22/tcp comment 'mine'
ufw allow 8001/tcp comment 'vllm.cluster of another day'
ufw allow in on ib0 from 10.9.0.2 proto tcp comment 'vllm.cluster'
ufw allow from 10.1.0.0/16 to any port 6384 proto tcp comment 'vllm.cluster'
ufw allow from fd00::/8 to any port 6384 proto tcp comment 'vllm.cluster'
ufw allow 8000/tcp comment 'vllm.cluster'
ufw allow 9000:9001/tcp comment 'vllm.cluster'
"""


def test_members_come_to_all_ports_and_others_to_those_named():
    assert openings.wanted(FENCE) == [
        Opening("10.9.0.2", None, "ib0"),
        Opening("10.1.0.0/16", (6384, 6384), None),
        Opening("fd00::/8", (6384, 6384), None),
        Opening(None, (8000, 8000), None),
        Opening(None, (9000, 9001), None),
    ]


def test_rules_are_told_to_ufw_as_ufw_shows_them():
    """Else each run would add them again."""
    assert list(map(openings.ufw_rule, openings.wanted(FENCE))) == openings.ufw_ours(SHOWN)


def test_rules_of_others_are_not_ours():
    assert openings.ufw_ours("Added user rules (see 'ufw status' for running firewall):\n(None)\n") == []
    assert ("allow", "22/tcp") not in openings.ufw_ours(SHOWN)
    assert ("allow", "8001/tcp") not in openings.ufw_ours(SHOWN)


def test_the_policy_holds_a_rule_for_each_opening():
    root = xml.etree.ElementTree.fromstring(openings.firewalld_policy(openings.wanted(FENCE)))
    assert (root.find("ingress-zone").get("name"), root.find("egress-zone").get("name")) == ("ANY", "HOST")
    assert root.get("target") == "CONTINUE"
    rules = [
        (rule.get("family"), *(tuple(sorted(part.attrib.items())) for part in rule)) for rule in root.findall("rule")
    ]
    assert rules == [
        ("ipv4", (("address", "10.9.0.2"),), (("value", "tcp"),), ()),
        ("ipv4", (("address", "10.1.0.0/16"),), (("port", "6384"), ("protocol", "tcp")), ()),
        ("ipv6", (("address", "fd00::/8"),), (("port", "6384"), ("protocol", "tcp")), ()),
        (None, (("port", "8000"), ("protocol", "tcp")), ()),
        (None, (("port", "9000-9001"), ("protocol", "tcp")), ()),
    ]


def test_one_member_of_two_engines_is_one_rule():
    twice = read(item(None, "10.9.0.2", interface="ib0"), item(None, "10.9.0.2", interface="ib1"))
    assert openings.firewalld_policy(openings.wanted(twice)).count("<rule ") == 1
    assert len(openings.wanted(twice)) == 2


def test_without_openings_there_is_no_policy():
    assert openings.firewalld_policy([]) == ""
