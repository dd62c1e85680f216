# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import tiny
from ansible_collections.vllm.cluster.plugins.module_utils.probes import storage
from ansible_collections.vllm.cluster.plugins.module_utils.probes.storage import filesystem, model_facts, read_path

MOUNTS = """22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /data rw - nfs4 nas:/models rw,vers=4.2
31 30 0:27 / /data/my\\040models rw - lustre mgs@o2ib:/fs rw
32 22 0:28 / /data/over rw - ext4 /dev/vdb rw
33 22 0:29 / /data/over rw - overlay overlay rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/database/x", "ext4"),
        ("/data", "nfs4"),
        ("/data/x", "nfs4"),
        ("/data/my models/x", "lustre"),
        ("/data/over/x", "overlay"),
    ],
)
def test_file_systems(path, kind):
    assert filesystem(MOUNTS, path) == kind


@pytest.mark.parametrize(
    ("mounts", "same"),
    [
        (("30 22 0:26 / /kv rw - nfs4 nas:/export/kv rw", "30 22 0:26 / /kv rw - nfs4 nas:/export/kv rw"), True),
        (("30 22 0:26 / / rw - nfs4 nas:/export rw", "30 22 0:26 / /kv rw - nfs4 nas:/export/kv rw"), True),
        (("30 22 0:26 /a /kv rw - nfs4 nas:/export rw", "30 22 0:26 / /kv rw - nfs4 nas:/export/a rw"), True),
        (("30 22 0:26 / /kv rw - nfs4 nas:/export/kv rw", "30 22 0:26 / /kv rw - nfs4 nas:/export/other rw"), False),
        (("30 22 0:26 / /kv rw - nfs4 nas:/export/kv rw", "30 22 0:26 / /kv rw - ext4 /dev/vdb rw"), False),
        (("30 22 0:26 /a /kv rw - ext4 /dev/vdb rw", "30 22 0:26 /b /kv rw - ext4 /dev/vdb rw"), False),
        (("30 22 0:26 /a /kv rw - ext4 /dev/vdb rw", "30 22 0:26 /a /kv rw - ext4 /dev/vdb rw"), True),
    ],
)
def test_one_folder_of_two_hosts_is_known_by_its_origin(mounts, same):
    found = [storage.origin(storage._mount(text, "/kv/chat"), "/kv/chat", "/") for text in mounts]
    assert None not in found
    assert (found[0] == found[1]) == same


def test_two_disks_are_told_apart_by_their_ids(monkeypatch):
    mount = storage._mount("30 22 0:26 / /kv rw - ext4 /dev/vdb rw", "/kv")
    ids = iter([17, -18])
    monkeypatch.setattr(os, "statvfs", lambda _path: type("State", (), {"f_fsid": next(ids)}))
    first, second = (storage.origin(mount, "/kv", "/kv") for _time in range(2))
    assert first.startswith("local ext4 11 ")
    assert first != second


@pytest.mark.parametrize("kind", ["virtiofs", "9p", "fuse.s3fs", "ceph"])
def test_names_that_any_host_may_use_tell_nothing(kind):
    assert storage.origin(storage._mount(f"30 22 0:26 / /kv rw - {kind} share rw", "/kv"), "/kv", "/") is None


def test_no_mounts():
    assert filesystem("", "/") is None


@pytest.fixture
def model(tmp_path):
    for name, content in tiny.model_files(tiny.DEFAULT_SEED).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_complete_model(model):
    (model / "hf_quant_config.json").write_text('{"quantization": {}}')
    found = model_facts(str(model))
    assert found["config"] == (model / "config.json").read_text()
    assert (found["quantization"], found["problems"]) == ('{"quantization": {}}', [])
    assert 0 < found["tensor_bytes"] < (model / "model.safetensors").stat().st_size


def problems(path):
    found = model_facts(str(path))
    assert found["tensor_bytes"] is None
    assert all(problem["fix"] for problem in found["problems"])
    return found, [problem["rule"] for problem in found["problems"]]


def test_a_cut_shard(model):
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    found, (rule,) = problems(model)
    assert "its own header demands" in rule
    assert found["config"]


def test_a_config_that_is_too_long_or_no_text(model):
    (model / "config.json").write_text('{"x": "' + "y" * 2**20 + '"}')
    found = model_facts(str(model))
    assert found["config"] is None
    assert "is longer than 1048576 bytes" in [problem["rule"] for problem in found["problems"]]
    (model / "config.json").write_bytes(b"\xff\xfe\xff")
    found, rules = problems(model)
    assert found["config"] is None
    assert rules == ["is no text"]


def test_a_file_that_may_not_be_read(model, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", os.path.join(path, "pytorch_model.bin"))

    monkeypatch.setattr("ansible_collections.vllm.cluster.plugins.module_utils.models.directory.check", refuse)
    found, rules = problems(model)
    assert (rules, found["problems"][0]["file"]) == (["cannot be read (Permission denied)"], "pytorch_model.bin")


def test_room_is_told_for_paths_that_are_to_be_made(tree):
    tree.write({"/data/x": "", "/proc/self/mountinfo": MOUNTS})
    (tree.root / "data" / "loop").symlink_to("nowhere")
    state = os.statvfs(tree.root)
    for path in ("/data/new/model", "/data/x", "/data/loop"):
        found = read_path(path, tree.files)
        assert found["filesystem"] == "ext4"
        assert abs(found["free_bytes"] - state.f_bavail * state.f_frsize) < 2**30
    assert read_path("/data/x", tree.files)["exists"]
