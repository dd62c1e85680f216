# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a real HTTP server, saved outputs, and recorded systemctl and journalctl."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.vllm.cluster.plugins.modules import ray_status

from tests.unit.plugins.fake_ray import STATUS, TOKEN

UNIT = "vllm-r1-0-ray.service"
GPUS = [{"host": "gpu1", "address": "10.9.0.1"}, {"host": "gpu2", "address": "10.9.0.2"}]
REFUSED = (
    "RuntimeError: Version mismatch: The cluster was started with:",
    "    Ray: 2.60.0",
    "    Python: 3.11.2",
    "This process on node 10.9.0.3 was started with:",
    "    Ray: 2.60.0",
    "    Python: 3.11.7",
)
ENDED = f"{UNIT}: Main process exited, code=exited, status=1/FAILURE"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(TOKEN + "\n")
    return str(path)


@pytest.fixture
def run(capsys):
    def call(check=False, **options):
        with patch_module_args({"_ansible_check_mode": check, **options}), pytest.raises(SystemExit) as ended:
            ray_status.main()
        text = capsys.readouterr().out
        assert TOKEN not in text
        result = json.loads(text)
        assert bool(result.get("failed")) == bool(ended.value.code)
        return result

    return call


@pytest.mark.parametrize("check", [False, True])
def test_a_whole_cluster(run, fake_ray, token_file, check):
    found = run(check, url=fake_ray.url, token_file=token_file, expected=GPUS)
    assert (found["changed"], found["missing"], found["ray_version"]) == (False, [], "2.60.0")
    assert [item["host"] for item in found["nodes"]] == ["gpu1", "gpu2"]
    assert (found["resources"]["GPU"]["used"], found["demands"]) == (2, [])


def test_missing_hosts_fail_by_name(run, fake_ray, token_file):
    more = [{"host": "gpu3", "address": "10.9.0.3"}]
    found = run(url=fake_ray.url, token_file=token_file, expected=GPUS + more)
    assert "gpu3 (10.9.0.3) has not joined" in found["msg"]
    assert "gpu2" not in found["msg"]
    assert "Ray 2.60.0 only" in found["msg"]
    assert [item["host"] for item in found["missing"]] == ["gpu3"]
    assert len(found["nodes"]) == 2


def test_a_dashboard_that_is_not_there_is_explained_by_the_unit(run, systemd):
    systemd.units({"Id": UNIT, "ActiveState": "activating", "SubState": "auto-restart", "NRestarts": 3})
    systemd.journal(*(("a", line) for line in REFUSED), ("a", ENDED))
    found = run(url="http://127.0.0.1:9", unit=UNIT)
    assert "nothing listens there" in found["msg"]
    assert "another Ray or Python" in found["msg"]


def test_a_refused_member_says_which_versions(run, systemd):
    systemd.units({"Id": UNIT, "ActiveState": "activating", "SubState": "auto-restart", "NRestarts": 3})
    systemd.journal(*(("a", line) for line in REFUSED), ("a", ENDED))
    found = run(unit=UNIT)
    assert found["skew"] == {"cluster_ray": "2.60.0", "cluster_python": "3.11.2", "ray": "2.60.0", "python": "3.11.7"}
    assert found["reason"]["code"] == "ray_versions"
    assert "3.11.7" in found["msg"]


def test_a_refused_member_says_so_in_the_seconds_of_its_next_start(run, systemd):
    systemd.units({"Id": UNIT, "NRestarts": 4})
    systemd.journal(*(("a", line) for line in REFUSED), ("a", ENDED), ("now", "Local node IP: 10.9.0.3"))
    found = run(unit=UNIT)
    assert found["failed"]
    assert found["skew"]["python"] == "3.11.7"


def test_a_member_that_was_mended_is_well(run, systemd):
    systemd.units({"Id": UNIT, "NRestarts": 4})
    systemd.journal(*(("a", line) for line in REFUSED), ("a", ENDED), ("now", "Ray runtime started."))
    found = run(unit=UNIT)
    assert (found["skew"], found["reason"], found["unit"]["restarts"]) == (None, None, 4)


def test_saved_text_is_read_and_counted(run):
    found = run(text=STATUS, expected=GPUS)
    assert (found["nodes"], found["missing"], found["resources"]["CPU"]["total"]) == ([], [], 8)
    more = run(text=STATUS, expected=[*GPUS, {"host": "gpu3", "address": "10.9.0.3"}])
    assert "2 of 3 nodes" in more["msg"]


def test_saved_text_with_addresses_names_the_missing(run):
    text = STATUS.replace("node_4cda18cbde623d8207b0c1e5317e50bdfe3cec0f419ffa6958ac0e5f", "10.9.0.1")
    text = text.replace(" 1 node_671f9d7ee62b41e68e685e291a429d867731bb394cbf83adca27e6e7\n", "")
    found = run(text=text, expected=GPUS)
    assert found["msg"] == "Not in the Ray cluster: gpu2 (10.9.0.2)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the following is required: url, text, unit"),
        ({"url": "http://x", "text": "y"}, "mutually exclusive"),
        ({"url": "ftp://x"}, "must begin with http"),
        ({"url": "http://u:p@x"}, "user name or password"),
        ({"text": "hello"}, "no status of Ray"),
        ({"url": "http://127.0.0.1:9", "token_file": "/nowhere/x"}, "token_file: /nowhere/x cannot be read"),
    ],
)
def test_bad_options_are_one_clear_error(run, options, words):
    assert words in run(**options)["msg"]


def test_a_unit_cannot_tell_who_is_in(run, systemd):
    systemd.units({"Id": UNIT})
    assert "give url" in run(unit=UNIT, expected=GPUS)["msg"]


def test_an_empty_token_is_said(run, tmp_path):
    (tmp_path / "secret").write_text("\n")
    assert "is empty" in run(url="http://127.0.0.1:9", token_file=str(tmp_path / "secret"))["msg"]
