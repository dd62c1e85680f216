# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ModelScope's own client, started by the module, against a hub that fails."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.hubs.server import Fault
from tests.processes.downloads.conftest import FIRST, SECOND, Host, same, wait_for, workers

TOKEN = "ms-sEcReT0123456789"
DIRECTORY = "models/tiny"


@pytest.fixture
def host(tmp_path, scope):
    return Host(tmp_path / "host", tmp_path / "models", modelscope_endpoint=scope.url, timeout=60, attempts=2)


def item(host, **more):
    return host.item(**{"source": "modelscope://acme/tiny", "kind": "modelscope", **more})


def test_bring_and_again_without_the_hub(host, scope, repository, tmp_path):
    done = host.bring(item(host))
    assert done["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    asked = len(scope.seen)
    scope.down = 500
    assert host.bring(item(host))["changed"] is False
    assert len(scope.seen) == asked


def test_killed_in_the_middle_it_goes_on_within_the_file(host, scope, repository, tmp_path):
    scope.held = 100_001
    directory = tmp_path / DIRECTORY
    host.call("start", [item(host)])
    wait_for(lambda: any(path.stat().st_size > 100_000 for path in directory.rglob("*.incomplete")))
    for process in workers(directory):
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not workers(directory))
    assert list(directory.rglob("*.incomplete"))
    scope.seen.clear()
    scope.release()
    assert host.bring(item(host))["changed"] is True
    assert same(repository, directory)
    assert any(request[2] and request[2] != "bytes=0-" for request in scope.data("safetensors")), scope.seen


def test_cut_connections_and_truncated_files(host, scope, repository, tmp_path):
    scope.faults[FIRST] = Fault(times=2, cut=100_000)
    assert host.bring(item(host))["changed"] is True
    shard = tmp_path / DIRECTORY / SECOND
    shard.write_bytes(shard.read_bytes()[:1000])
    os.utime(shard, (1_000_000_000, 1_000_000_000))
    assert SECOND in host.bring(item(host))["models"][0]["reason"]
    assert same(repository, tmp_path / DIRECTORY)


def test_a_dataset_of_more_files_than_a_page_lists(host, tmp_path):
    folder = tmp_path / "root" / "datasets" / "acme" / "talks"
    folder.mkdir(parents=True)
    for number in range(201):
        (folder / f"{number:03}.txt").write_text(str(number))
    done = host.bring(item(host, source="modelscope://acme/talks", dataset=True, include=["*.txt"], exclude=["00*"]))
    assert done["models"][0]["files"] == 191
    assert (tmp_path / DIRECTORY / "200.txt").read_text() == "200"
    assert not (tmp_path / DIRECTORY / "009.txt").exists()


def test_a_token_reaches_the_hub_and_nothing_else(host, scope, tmp_path):
    scope.token = TOKEN
    assert "HTTP 401" in host.bring(item(host))["msg"]
    done = host.bring(item(host), modelscope_token=TOKEN)
    assert done["changed"] is True
    told = json.dumps(done)
    for file in [*tmp_path.joinpath("models").rglob("*"), *tmp_path.joinpath("host").rglob("*")]:
        told += "" if file.is_dir() else file.read_bytes().decode("latin-1")
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": "modelscope://acme/nothing"}, ["modelscope://acme/nothing", "HTTP 404", "correct the name"]),
        ({"source": "modelscope://tiny"}, ["names no repository", "modelscope://owner/name"]),
        ({"revision": "v9"}, ["modelscope://acme/tiny@v9", "HTTP 404"]),
    ],
)
def test_what_cannot_be_is_one_error(host, change, words):
    failed = host.bring(item(host, **change))
    for word in (*words, "Fix:"):
        assert word in failed["msg"]
