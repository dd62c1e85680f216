# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hubs on this machine, and the module as real processes against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hubs import folders, huggingface, model, modelscope, server

ROOT = Path(__file__).resolve().parents[3]
#: This interpreter's environment holds the clients; the pins of the tests see to that.
CLIENTS = sys.prefix
EXCLUDE = ["onnx/*"]
FILES = (
    "config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
)
FIRST, SECOND = FILES[1], FILES[2]


@pytest.fixture
def repository(tmp_path):
    """A model of two shards: root/acme/tiny."""
    folder = tmp_path / "root" / "acme" / "tiny"
    model.write(folder)
    return folder


@pytest.fixture
def hub(repository):
    with server.running(server.Hub(repository.parents[1], huggingface.HuggingFace)) as found:
        yield found


@pytest.fixture
def scope(repository):
    with server.running(server.Hub(repository.parents[1], modelscope.ModelScope)) as found:
        yield found


@pytest.fixture
def web(tmp_path, repository):
    model.write_sums(repository)
    with server.running(server.Hub(tmp_path / "root", folders.Web)) as found:
        yield found


@pytest.fixture
def bucket(repository):
    with server.running(server.Hub(repository.parents[1], folders.S3)) as found:
        yield found


class Host:
    """One host, which may share its directories with others."""

    def __init__(self, folder: Path, models: Path, **common) -> None:
        self.run_dir, self.models, self.common = folder / "run", models, common
        self.home = folder / "home"
        self.home.mkdir(parents=True)

    def item(self, **more):
        found = {"source": "acme/tiny", "kind": "hub", "path": str(self.models / "tiny"), "exclude": EXCLUDE}
        return {**found, "environment": CLIENTS, **more}

    def call(self, operation, models, check=False, **more):
        """One run of the module."""
        arguments = {"models": models, "run_dir": str(self.run_dir), "operation": operation, **self.common, **more}
        arguments |= {"_ansible_check_mode": check, "_ansible_diff": True}
        # A wrong proxy of this machine would be asked for the hubs of the tests.
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            [sys.executable, str(ROOT / "plugins" / "modules" / "model_download.py")],
            check=False,
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env={**environment, "HOME": str(self.home), "PYTHONPATH": str(ROOT / "playbooks" / "collections")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return json.loads(done.stdout)

    def bring(self, *models, seconds=60, **more):
        """All of it, as the action does it. Returns the last answer; failed and msg where it failed."""
        models = list(models) or [self.item()]
        return self.end(self.call("start", models, **more), *models, seconds=seconds, **more)

    def end(self, answer, *models, seconds=60, **more):
        """What comes of an answer whose worker may still be at work."""
        end = time.monotonic() + seconds
        while not answer.get("failed") and (answer["worker"] or {}).get("state") == "running":
            assert time.monotonic() < end, answer
            time.sleep(0.2)
            answer = self.call("follow", list(models), **more)
        worker = answer.get("worker") or {}
        if worker.get("state") == "failed":
            return {"failed": True, "msg": worker["error"]}
        assert answer.get("failed") or worker.get("state") in (None, "done"), answer
        return answer


@pytest.fixture
def host(tmp_path, hub):
    return Host(tmp_path / "host", tmp_path / "models", hub_endpoint=hub.url, timeout=60, attempts=2)


def same(repository: Path, directory: Path, files=FILES) -> bool:
    """Whether the directory holds these files of the repository, and no others."""
    there = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    there = {path for path in there if not path.startswith((".cache/", ".vllm-download.json"))}
    assert there == set(files)
    return all((directory / path).read_bytes() == (repository / path).read_bytes() for path in files)


def wait_for(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def arguments(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def workers(directory: Path) -> list[int]:
    """Processes of a download: the worker, which has the lock beside the directory open, and its client."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = {os.readlink(item) for item in (process / "fd").iterdir()}
        except OSError:
            continue
        named = str(directory).encode() in arguments(int(process.name))
        if named or str(directory.with_name(f".{directory.name}.lock")) in files:
            found.append(int(process.name))
    return found
