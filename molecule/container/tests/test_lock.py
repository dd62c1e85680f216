# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock of what the hosts have: written once, deployed exactly, and nothing else is."""

from __future__ import annotations

import pytest
import yaml

NAME = "10.77.47.11:5000/vllm/vllm-openai-cpu"


@pytest.fixture(scope="module")
def locked(lab, tmp_path_factory):
    """The lock's path, and what is in it."""
    path = tmp_path_factory.mktemp("lock") / "vllm.lock.yml"
    for changed in (1, 0):
        run = lab.playbook("lock.yml", extra={"vllm_lock_file": str(path)})
        assert run.status == 0, run.output
        assert run.changed("con1") == {"con1": changed}
    return path, yaml.safe_load(path.read_text())


def test_it_holds_what_the_image_really_has(lab, locked):
    _path, lock = locked
    (name,) = lock["images"]
    assert name == f"{NAME}@{lab.host('con1').check_output('cat /srv/vllm.digest')}"
    assert lock["images"][name]["id"] == lab.host("con2").check_output(
        "docker image inspect --format '{{.Id}}' %s", name
    )
    assert lock["software"][name]["vllm"].startswith("0.32.0")
    assert lock["services"]["chat"] == {"model": "lab://tiny", "revision": None, "version": "0.32.0"}


@pytest.mark.by_hand
def test_what_was_locked_is_deployed_and_nothing_changes(lab, locked):
    path, _lock = locked
    run = lab.playbook("site.yml", extra={"vllm_lock": str(path)})
    assert run.status == 0, run.output
    assert run.changed("con1", "con2") == {"con1": 0, "con2": 0}


def test_what_differs_is_refused_and_the_engine_runs_on(lab, locked):
    path, lock = locked
    (name,) = lock["software"]
    lock["software"][name]["torch"] = "2.0.0"
    other = path.with_name("other.lock.yml")
    other.write_text(yaml.safe_dump(lock))
    before = lab.host("con2").check_output("docker ps --no-trunc --quiet")
    refused = lab.playbook("site.yml", extra={"vllm_lock": str(other)})
    assert refused.status != 0
    assert ".torch = '2.13.0+cpu': the lock holds 2.0.0 [lock-drift]. Fix: " in refused.output
    early = lab.playbook("site.yml", extra={"vllm_lock": str(path), "vllm_version": "0.31.0"})
    assert early.status != 0
    assert "no host was changed" in early.output
    assert "vllm_version = '0.31.0': the lock holds 0.32.0 [lock-drift]" in early.output
    assert lab.host("con2").check_output("docker ps --no-trunc --quiet") == before
