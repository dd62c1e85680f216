# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Hugging Face Hub's own client, started by the module, against a hub that fails in every way."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import huggingface, modelscope, s3

from tests.hubs import model
from tests.hubs.huggingface import commit
from tests.hubs.server import Fault
from tests.processes.downloads.conftest import FIRST, SECOND, Host, arguments, same, wait_for, workers

TOKEN = "hf_sEcReT0123456789"
DIRECTORY = "models/tiny"


def test_the_clients_are_those_that_environments_hold():
    for requirement in (*huggingface.REQUIREMENTS, *modelscope.REQUIREMENTS, *s3.REQUIREMENTS):
        name, _equals, version = requirement.partition("==")
        assert importlib.metadata.version(name) == version


def test_check_bring_and_again_without_the_hub(host, hub, repository, tmp_path):
    told = host.call("start", [host.item()], check=True)
    assert (told["changed"], told["worker"], hub.seen) == (True, None, [])
    assert not (tmp_path / "models").exists()
    done = host.bring()
    assert done["changed"] is True
    assert done["models"][0]["commit"] == commit(repository)
    size = (repository / FIRST).stat().st_size
    assert f"{tmp_path}/models/tiny/{FIRST} {size}\n" in done["diff"]["after"]
    assert same(repository, tmp_path / DIRECTORY)
    asked = len(hub.seen)
    hub.down = 500
    for check in (True, False):
        again = host.call("start", [host.item()], check=check)
        assert (again["changed"], again["worker"]) == (False, None)
    assert len(hub.seen) == asked


@pytest.mark.parametrize(("cut", "times"), [(0, 1), (200_000, 2)])
def test_connections_that_are_cut_are_taken_up_again(host, hub, repository, tmp_path, cut, times):
    hub.faults[FIRST] = Fault(times=times, cut=cut)
    assert host.bring()["changed"] is True
    assert hub.faults[FIRST].times == 0
    assert same(repository, tmp_path / DIRECTORY)


def test_killed_in_the_middle_and_run_again(host, hub, repository, tmp_path):
    hub.held = 1
    directory = tmp_path / DIRECTORY
    host.call("start", [host.item()])
    wait_for(lambda: list(directory.rglob("*.incomplete")) and (directory / "config.json").exists())
    for process in workers(directory):
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not workers(directory))
    assert host.call("follow", [host.item()])["worker"]["state"] == "lost"
    left = {path.name for path in directory.rglob("*.incomplete")}
    assert left, "the test must break it in the middle"
    assert not (directory / ".vllm-download.json").exists()
    before = len(hub.data("config.json"))
    hub.release()
    assert host.bring()["changed"] is True
    assert same(repository, directory)
    assert not list(directory.rglob("*.incomplete"))
    assert len(hub.data("config.json")) == before, "whole files are kept"


def test_a_killed_worker_takes_its_client_along(host, hub, tmp_path):
    hub.held = 1
    directory = tmp_path / DIRECTORY
    host.call("start", [host.item()])
    wait_for(lambda: len(workers(directory)) > 1 and list(directory.rglob("*.incomplete")))
    clients = [process for process in workers(directory) if b"/hf\0" in arguments(process)]
    others = [process for process in workers(directory) if process not in clients]
    assert clients
    assert others
    for process in others:
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not workers(directory), seconds=5)


def test_a_second_run_joins_the_first(host, hub, repository, tmp_path):
    hub.held = 1
    host.call("start", [host.item()])
    wait_for(lambda: list((tmp_path / DIRECTORY).rglob("*.incomplete")))
    joined = host.call("start", [host.item()])
    hub.release()
    assert host.end(joined, host.item())["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    assert len(hub.data(f"resolve/{commit(repository)}/{SECOND}")) == 1


def test_a_truncated_shard_with_an_old_time_is_found_and_mended(host, repository, tmp_path):
    host.bring()
    shard = tmp_path / DIRECTORY / FIRST
    shard.write_bytes(shard.read_bytes()[:1000])
    os.utime(shard, (1_000_000_000, 1_000_000_000))
    found = host.call("start", [host.item()], check=True)
    assert FIRST in found["models"][0]["reason"]
    assert host.bring()["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)


def test_changed_content_of_the_same_size_is_found_when_asked_for(host, repository, tmp_path):
    host.bring()
    shard = tmp_path / DIRECTORY / SECOND
    shard.write_bytes(bytes(255 - value for value in shard.read_bytes()))
    os.utime(shard, (1_000_000_000, 1_000_000_000))
    assert host.bring()["changed"] is False
    assert SECOND in host.call("start", [host.item()], check=True, verify=True)["models"][0]["reason"]
    assert host.bring(verify=True, attempts=1)["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    assert host.bring(verify=True)["changed"] is False


def test_content_that_is_not_what_the_hub_says_is_never_complete(host, hub, repository, tmp_path):
    hub.faults[FIRST] = Fault(times=1, spoil=True)
    assert host.bring()["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    shutil.rmtree(tmp_path / "models")
    hub.faults[FIRST] = Fault(times=9, spoil=True)
    failed = host.bring()
    assert "checksum" in failed["msg"]
    assert FIRST in failed["msg"]
    assert "Fix:" in failed["msg"]
    assert host.call("start", [host.item()], check=True)["changed"] is True


def test_a_hub_that_lies_about_sizes_is_found_out(host, hub):
    hub.told_sizes[SECOND] = 200
    failed = host.bring()
    assert "was told to have 200" in failed["msg"] or "200 bytes" in failed["msg"], failed
    assert "Fix:" in failed["msg"]


def test_room_is_looked_for_first(host, hub, tmp_path):
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    hub.told_sizes[FIRST] = free * 2
    failed = host.bring()
    for word in (f"{free * 2 / 2**30:.2f}"[:3], "GiB", f"at {tmp_path}/models/tiny", "free there", "vllm_model_dir"):
        assert word in failed["msg"]
    assert not hub.data("resolve")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": "acme/nothing"}, ["acme/nothing", "HTTP 404", "correct the name"]),
        ({"revision": "v9"}, ["acme/tiny@v9", "HTTP 404", "revision"]),
        ({"include": ["*.gguf"]}, ["include and exclude leave none", "correct the patterns"]),
        ({"environment": "/nowhere"}, ["no hf in the environment /nowhere", "python_env"]),
    ],
)
def test_what_cannot_be_is_one_error(host, change, words):
    failed = host.bring(host.item(**change))
    assert failed["failed"] is True
    assert failed["msg"].count("Fix:") == 1
    for word in words:
        assert word in failed["msg"]


@pytest.mark.parametrize("status", [410, 500])
def test_a_hub_that_is_gone_is_one_error_and_harms_nothing(host, hub, tmp_path, status):
    host.bring()
    shard = tmp_path / DIRECTORY / FIRST
    shard.write_bytes(b"1")
    hub.down = status
    failed = host.bring()
    assert f"HTTP {status}" in failed["msg"]
    assert "Fix:" in failed["msg"]
    assert (tmp_path / DIRECTORY / SECOND).exists()
    hub.down = None
    assert host.bring()["changed"] is True


def test_a_file_that_fails_for_a_while_is_tried_again(host, hub, repository, tmp_path):
    hub.faults[FIRST] = Fault(times=1, status=404)
    assert host.bring()["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)


def test_a_token_reaches_the_hub_and_nothing_else(host, hub, tmp_path):
    hub.token = TOKEN
    refused = host.bring()
    assert "HTTP 401" in refused["msg"]
    hub.held = 1
    seen = host.call("start", [host.item()], hub_token=TOKEN)
    told = json.dumps(seen)
    wait_for(lambda: len(workers(tmp_path / DIRECTORY)) > 1)
    told += "".join(str(arguments(process)) for process in workers(tmp_path / DIRECTORY))
    hub.release()
    done = host.end(seen, host.item(), hub_token=TOKEN)
    assert done["changed"] is True
    told += json.dumps(done)
    for file in [*tmp_path.joinpath("models").rglob("*"), *tmp_path.joinpath("host").rglob("*")]:
        told += "" if file.is_dir() else file.read_bytes().decode("latin-1")
    assert TOKEN not in told
    assert all(item[3] == f"Bearer {TOKEN}" for item in hub.seen if "resolve" in item[1])


def test_the_commit_that_was_chosen_is_brought(host, repository):
    chosen = host.call("resolve", [host.item()])["commits"]
    assert chosen == {"acme/tiny": commit(repository)}
    model.write(repository, seed=2)
    failed = host.bring(commits=chosen)
    assert "HTTP 404" in failed["msg"], "the hub of the tests has the newest commit alone"
    assert host.bring()["models"][0]["commit"] == commit(repository)


def test_weights_that_lack_what_their_index_names_are_refused(host, repository):
    (repository / SECOND).unlink()
    failed = host.bring()
    assert f"acme/tiny: {SECOND}: is missing, and the source has it so" in failed["msg"]


def test_an_adapter_is_no_whole_model_and_comes_too(host, repository, tmp_path):
    for path in ("config.json", "model.safetensors.index.json", SECOND):
        (repository / path).unlink()
    assert host.bring()["changed"] is True
    assert same(repository, tmp_path / DIRECTORY, ["tokenizer.json", FIRST])


def test_a_dataset(host, tmp_path):
    folder = tmp_path / "root" / "datasets" / "acme" / "talks"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("{}\n")
    assert host.bring(host.item(source="acme/talks", dataset=True))["changed"] is True
    assert (tmp_path / DIRECTORY / "train.jsonl").read_text() == "{}\n"


def test_hosts_that_share_a_path_download_once(hub, repository, tmp_path):
    hub.held = 1
    hosts = [Host(tmp_path / name, tmp_path / "models", hub_endpoint=hub.url) for name in ("one", "two")]
    begun = [host.call("start", [host.item()]) for host in hosts]
    wait_for(lambda: "waits" in str([host.call("follow", [host.item()])["worker"] for host in hosts]))
    hub.release()
    done = [host.end(answer, host.item()) for host, answer in zip(hosts, begun)]
    assert sorted(answer["changed"] for answer in done) == [False, True]
    assert same(repository, tmp_path / DIRECTORY)
    assert len(hub.data(f"resolve/{commit(repository)}/{FIRST}")) == 1
