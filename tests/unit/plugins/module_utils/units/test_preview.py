# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of all units, from what each host says in check mode."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show.amounts import TO
from ansible_collections.vllm.cluster.plugins.module_utils.units import preview

GROUP, GUARD, OTHER = "vllm-r1-0.service", "vllm-r1-0-guard.service", "vllm-chat-0.service"


def unit(name, engine, kind="engine"):
    return {"name": name, "engine": engine, "kind": kind}


PLAN = {
    "engines": [
        {"name": "r1-0", "members": [{"host": "a"}, {"host": "b"}]},
        {"name": "chat-0", "members": [{"host": "a"}]},
    ],
    "hosts": {
        "a": {"units": [unit(GROUP, "r1-0"), unit(GUARD, "r1-0", "guard"), unit(OTHER, "chat-0")]},
        "b": {"units": [unit(GROUP, "r1-0"), unit(GUARD, "r1-0", "guard")]},
    },
}


def does(name, *operations, reasons=("the environment changes",), changes=()):
    return {"unit": name, "operations": list(operations), "reasons": list(reasons), "changes": list(changes)}


def told(a=(), b=(), asks=()):
    results = {"a": {"actions": list(a), "consent_needed": list(asks)}, "b": {"actions": list(b), "consent_needed": []}}
    return preview.fates(PLAN, results)


def whats(found):
    return {(fate.host, fate.unit): fate.what for fate in found if fate.what != preview.LEFT}


def test_nothing_to_do_leaves_every_unit():
    found = told()
    assert whats(found) == {}
    text = preview.as_text(found, {})
    assert text.splitlines()[0] == "If site.yml ran now, units: 5 left"


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (does(OTHER, "write environment", "restart"), preview.RESTARTED),
        (does(OTHER, "write unit", "start", reasons=["new"]), preview.MADE),
        (does(OTHER, "start", reasons=["failed"]), preview.STARTED),
        (does(OTHER, "write unit"), preview.REWRITTEN),
        (does("vllm-old-0.service", "remove"), preview.REMOVED),
    ],
)
def test_one_host_s_engine_concerns_nobody_else(action, what):
    assert whats(told(a=[action])) == {("a", action["unit"]): what}


def test_a_guard_s_restart_interrupts_nobody():
    assert whats(told(b=[does(GUARD, "restart")])) == {("b", GUARD): preview.RESTARTED}


@pytest.mark.parametrize("operations", [("restart",), ("remove",), ("write unit", "start")])
def test_a_member_that_begins_anew_takes_its_group_along(operations):
    found = told(b=[does(GROUP, *operations, reasons=["new"])])
    fate = next(fate for fate in found if (fate.host, fate.unit) == ("a", GROUP))
    assert (fate.what, fate.why) == (preview.FOLLOWS, ("its engine begins anew on b",))
    assert ("a", OTHER) not in whats(found)


def test_what_stands_beside_engines_is_told_by_itself():
    hosts = {
        "a": {"units": [unit("vllm-chat-router.service", None, "router"), unit("vllm-chat-door.service", None, "door")]}
    }
    done = {"actions": [does("vllm-chat-router.service", "restart")], "consent_needed": ["vllm-chat-router.service"]}
    found = preview.fates({"engines": PLAN["engines"], "hosts": hosts}, {"a": done})
    assert [(fate.unit, fate.what, fate.asks) for fate in found] == [
        ("vllm-chat-router.service", preview.RESTARTED, True),
        ("vllm-chat-door.service", preview.LEFT, False),
    ]


def test_the_target_is_no_engine():
    assert whats(told(a=[does("vllm.target", "write unit")])) == {}


def test_the_lines_name_every_unit_that_restarts_with_its_cause():
    found = told(a=[does(OTHER, "restart", changes=["--port: 1 -> 2"])], asks=[OTHER])
    text = preview.as_text(found, {"c": "not asked"})
    assert "units: 1 restarted, 4 left" in text
    assert "site.yml asks for -e vllm_allow_restart=true" in text
    assert f"  restarted  a  {OTHER}: --port: 1 -> 2\n" in text
    assert "  ! c could not be looked at: not asked" in text
    assert "asks for" not in preview.as_text(told(), {})


def test_a_hundred_hosts_with_one_change_are_one_line():
    names = [f"gpu{index}" for index in range(1, 101)]
    plan = {"engines": [], "hosts": {name: {"units": [unit(OTHER, "chat-0")]} for name in names}}
    results = {name: {"actions": [does(OTHER, "restart")], "consent_needed": []} for name in names}
    lines = preview.as_text(preview.fates(plan, results), {}).splitlines()
    assert len(lines) == 2
    assert f"gpu1{TO}gpu100  vllm-chat-0.service" in lines[1]
