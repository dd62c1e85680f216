# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock is made from what hosts have, pins what is not written, and refuses what differs."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.lock import document, pins
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusals

from tests.unit.plugins.module_utils.planning.cases import S0, assert_said, refuses, table

DIGEST, ID, COMMIT = "sha256:" + "a" * 64, "sha256:" + "b" * 64, "c" * 40
SOFTWARE = {"python": "3.12.3", "vllm": "0.32.0", "ray": "2.60.0", "torch": "2.13.0"}
PLAN = {
    "services": [{"name": "chat", "model": "org/m", "version": "0.32.0"}],
    "hosts": {
        host: {
            "images": [{"reference": "vllm/x:1", "name": "vllm/x:1"}],
            "environments": [{"name": "vllm-0.32.0-cuda", "path": "/e", "requirements": ["vllm==0.32.0"]}],
            "models": [{"source": "org/m", "path": "/m"}],
        }
        for host in ("gpu1", "gpu2")
    },
}
FACTS = {
    "images": {"vllm/x:1": {"digest": DIGEST, "id": ID, "software": SOFTWARE}},
    "environments": {"/e": {**SOFTWARE, "nccl": "2"}},
    "models": {"/m": {"commit": COMMIT, "files": {"w": {"size": 5, "digest": "sha256:1"}}}},
}
PROBES = {"gpu1": {"driver": "580.65.06"}, "gpu2": {"driver": "580.65.06"}}


def made(**second):
    return document.make(PLAN, {"gpu1": FACTS, "gpu2": {**FACTS, **second}}, PROBES)


LOCK = made()
CHAT = {"name": "chat", "model": "org/m", "hosts": "gpu1"}


def applied(item, **variables):
    """What apply makes of one service, and what it refuses."""
    refusals = Refusals()
    return pins.apply({"vllm_services": [item], **variables}, LOCK, refusals), refusals


def written(**keys):
    return lambda: applied({**CHAT, **keys})[1]


def fleet(**variables):
    return lambda: applied(CHAT, **variables)[1]


def changed(*path, to):
    """Refusals of a host that has something else."""

    def run():
        now, refusals = copy.deepcopy(LOCK), Refusals()
        inner = now
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to
        pins.compare(LOCK, now, "my.lock.yml", refusals)
        return refusals

    return run


def formed(data):
    def run():
        refusals = Refusals()
        pins.check_form(data, "my.lock.yml", refusals)
        return refusals

    return run


def unlike():
    refusals = Refusals()
    try:
        made(images={"vllm/x:1": {"digest": DIGEST, "id": "sha256:other", "software": SOFTWARE}})
    except PlanError as error:
        for item in error.refusals:
            refusals.add(item.id, item.path, item.value, item.rule, item.fix)
    return refusals


CASES = [
    refuses("lock-drift", written(version="0.31.0"), f"{S0}.version", ["'0.31.0'", "holds 0.32.0"], "lock anew"),
    refuses("lock-drift", fleet(vllm_version="0.31.0"), "vllm_version", ["holds 0.32.0"], "lock anew"),
    refuses("lock-drift", written(revision="main"), f"{S0}.revision", ["'main'", COMMIT], "lock anew"),
    refuses("lock-drift", written(model="org/n"), f"{S0}.model", ["'org/n'", "holds org/m"], "lock anew"),
    refuses("lock-drift", written(name="other"), S0, ["'other'", "does not hold"], "lock anew"),
    refuses(
        "lock-drift",
        changed("images", "vllm/x:1", "id", to="sha256:other"),
        "my.lock.yml: images['vllm/x:1'].id",
        ["sha256:other", ID],
        "bring back",
    ),
    refuses(
        "lock-drift",
        changed("drivers", "gpu2", to="590.1"),
        "my.lock.yml: drivers['gpu2']",
        ["590.1", "580.65.06"],
        "bring back",
    ),
    refuses(
        "lock-drift",
        changed("software", "vllm-0.32.0-cuda", "torch", to="2.14.0"),
        "my.lock.yml: software['vllm-0.32.0-cuda'].torch",
        ["2.14.0", "holds 2.13.0"],
        "bring back",
    ),
    refuses(
        "lock-drift",
        changed("models", "org/m", "files", "w", "digest", to="sha256:2"),
        "my.lock.yml: models['org/m'].files.w.digest",
        ["sha256:2", "holds sha256:1"],
        "bring back",
    ),
    refuses("lock-drift", changed("images", "new:1", to={}), "my.lock.yml: images['new:1']", ["nothing"], "lock anew"),
    refuses("lock-form", formed(["x"]), "my.lock.yml", ["is no lock"], "playbooks/lock.yml"),
    refuses("lock-form", formed({**LOCK, "schema_version": 9}), "my.lock.yml: schema_version", ["9"], "lock.yml"),
    refuses(
        "lock-form",
        formed({**LOCK, "services": {"chat": {"version": "1"}}}),
        "my.lock.yml: services['chat']",
        ["lacks model, revision"],
        "lock.yml",
    ),
    refuses("lock-form", formed({**LOCK, "images": {"a": 1}}), "my.lock.yml: images['a']", ["no mapping"], "lock.yml"),
    refuses("lock-hosts", unlike, "images['vllm/x:1']", ["on host gpu2"], "one state"),
]


@table(CASES)
def test_what_is_said(case):
    assert_said(case)


def test_a_lock_holds_what_the_hosts_have():
    assert LOCK["services"] == {"chat": {"version": "0.32.0", "model": "org/m", "revision": COMMIT}}
    assert LOCK["images"] == {"vllm/x:1": {"digest": DIGEST, "id": ID}}
    assert LOCK["software"] == {"vllm/x:1": SOFTWARE, "vllm-0.32.0-cuda": SOFTWARE}
    assert LOCK["models"]["org/m"]["files"] == {"w": {"size": 5, "digest": "sha256:1"}}
    assert LOCK["drivers"] == {"gpu1": "580.65.06", "gpu2": "580.65.06"}


def test_what_is_not_written_is_the_locks():
    found, refusals = applied(CHAT)
    assert not refusals
    assert found["vllm_services"] == [{**CHAT, "version": "0.32.0", "revision": COMMIT}]
    assert found["vllm_ray_version"] == "2.60.0"
    assert found["vllm_lock"] is LOCK


def test_what_is_as_locked_is_not_refused():
    refusals = Refusals()
    pins.compare(LOCK, copy.deepcopy(LOCK), "my.lock.yml", refusals)
    pins.check_form(LOCK, "my.lock.yml", refusals)
    assert not refusals


@pytest.mark.parametrize("items", [None, "x", ["x"], {"a": 1}])
def test_what_is_no_list_of_services_is_left_to_the_planner(items):
    refusals = Refusals()
    assert pins.apply({"vllm_services": items}, LOCK, refusals)["vllm_services"] == items
    assert not refusals
