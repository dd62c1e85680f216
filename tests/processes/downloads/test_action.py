# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action: progress while it runs, one commit for all hosts, and what happens to a worker that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.hubs import model
from tests.hubs.huggingface import commit
from tests.processes.downloads.conftest import CLIENTS, EXCLUDE, FIRST, ROOT, same, wait_for, workers


@pytest.fixture
def play(tmp_path, hub):
    """The role's tasks for hosts one and two, each with a folder of its own. Starts ansible-playbook."""

    def start(models="{{ folder }}/models", options=(), **more):
        item = {"source": "acme/tiny", "kind": "hub", "path": f"{models}/tiny", "exclude": EXCLUDE}
        common = {"models": [{**item, "environment": CLIENTS}], "hub_endpoint": hub.url, "run_dir": "{{ folder }}/run"}
        common |= {"attempts": 2}
        bring = {"found_variable": "looked", "commits": "{{ chosen.commits }}", "report_interval": 1, **more}
        module = "vllm.cluster.model_download"
        tasks = [
            {"name": "Look", module: {**common, "operation": "look"}, "register": "looked"},
            {
                "name": "Choose",
                module: {"operation": "resolve", "models": [], "found_variable": "looked", "hub_endpoint": hub.url},
                "run_once": True,
                "register": "chosen",
            },
            {"name": "Bring", module: {**common, **bring}, "register": "brought"},
            {
                "name": "Agree",
                module: {"operation": "agree", "models": [], "found_variable": "brought"},
                "run_once": True,
            },
        ]
        head = {"name": "Test", "hosts": "all", "gather_facts": False, "any_errors_fatal": True}
        (tmp_path / "play.yml").write_text(json.dumps([{**head, "tasks": tasks}]))
        hosts = {name: {"folder": str(tmp_path / name)} for name in ("one", "two")}
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}))
        return subprocess.Popen(
            [
                f"{CLIENTS}/bin/ansible-playbook",
                "-i",
                str(tmp_path / "hosts.json"),
                str(tmp_path / "play.yml"),
                *options,
            ],
            env={
                **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
                "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
                "ANSIBLE_NOCOLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def ended(process):
    output, _none = process.communicate(timeout=90)
    return process.returncode, output


def changed(output):
    return {host: int(count) for host, count in re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE)}


def test_progress_is_shown_and_all_hosts_get_one_commit(play, hub, repository, tmp_path):
    status, output = ended(play(options=["--check", "--diff"]))
    assert (status, changed(output), hub.seen) == (0, {"one": 1, "two": 1}, []), output
    model.write(repository, sizes=(60_000_000, 40_000_000))
    hub.rate = 5_000_000
    status, output = ended(play())
    assert status == 0, output
    so_far = r"one acme/tiny: \d+\.\d MiB of 95\.4 MiB \(\d+%\), [\d.]+ MiB/s, (\d+ min )?\d+ s left"
    assert re.search(so_far, output), output
    assert "acme/tiny: complete" in output
    for host in ("one", "two"):
        assert same(repository, tmp_path / host / "models" / "tiny")
    assert len([item for item in hub.seen if "/revision/main" in item[1]]) == 1, "one host asks for all"
    asked, hub.down = len(hub.seen), 500
    status, output = ended(play())
    assert (status, changed(output), len(hub.seen)) == (0, {"one": 0, "two": 0}, asked), output


def test_hosts_hold_the_same_files_or_are_refused(play, repository):
    assert ended(play(options=["--limit", "one"]))[0] == 0
    old = commit(repository)
    model.write(repository, seed=2)
    status, output = ended(play())
    assert status != 0
    assert f"acme/tiny@{old}" in output, "what a host has is asked for, and the hub of the tests forgets old commits"
    assert ended(play(options=["--limit", "two"]))[0] == 0
    status, output = ended(play())
    assert status != 0
    assert "acme/tiny: hosts hold different files of it" in output
    assert "name a revision" in output


def test_a_shared_path_is_brought_once(play, hub, repository, tmp_path):
    hub.rate = 400_000
    status, output = ended(play(models=str(tmp_path / "shared")))
    assert status == 0, output
    assert sorted(changed(output).values()) == [0, 1], output
    assert same(repository, tmp_path / "shared" / "tiny")
    assert len(hub.data(f"resolve/{commit(repository)}/{FIRST}")) == 1


def test_a_killed_worker_is_started_again(play, hub, repository, tmp_path):
    hub.held = 1
    process = play(options=["--limit", "one"])
    directory = tmp_path / "one" / "models" / "tiny"
    wait_for(lambda: directory.exists() and list(directory.rglob("*.incomplete")))
    for worker in workers(directory):
        os.kill(worker, signal.SIGKILL)
    hub.release()
    status, output = ended(process)
    assert status == 0, output
    assert "the download was killed, and starts again" in output
    assert same(repository, directory)


def test_a_download_goes_on_when_the_controller_is_gone(play, hub, repository, tmp_path):
    hub.held = 1
    process = play(options=["--limit", "one"])
    directory = tmp_path / "one" / "models" / "tiny"
    wait_for(lambda: directory.exists() and list(directory.rglob("*.incomplete")))
    process.kill()
    process.communicate()
    hub.release()
    wait_for((directory / ".vllm-download.json").exists)
    assert same(repository, directory)


def test_a_failure_is_one_error(play, hub):
    hub.down = 500
    status, output = ended(play())
    assert status != 0
    assert "acme/tiny: 127.0.0.1" in output
    assert "HTTP 500" in output
    assert "Traceback" not in output
