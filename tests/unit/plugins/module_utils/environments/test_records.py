# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments import going_back, records
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import Record


def made(folder, name, complete=True, packages=None, there=True):
    path = folder / name
    if there:
        path.mkdir(parents=True)
    records.write_record(path, Record(complete, "digest", "/usr/bin/python3", packages or {"vllm": "0.31.0"}))
    return path


def test_one_can_go_back_to_what_is_finished_and_holds_vllm(tmp_path):
    wanted, former = made(tmp_path, "vllm-0.32.0-cpu"), made(tmp_path, "vllm-0.31.0-cpu")
    made(tmp_path, "unfinished", complete=False)
    made(tmp_path, "removed", there=False)
    made(tmp_path, "hf-2.4.0", packages={"huggingface-hub": "2.4.0"})
    (tmp_path / "foreign").mkdir()
    (tmp_path / ".foreign.json").write_text("{}")
    assert records.others([wanted]) == [former]
    assert records.others([]) == []


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["vllm-0.31.0-cpu"], "with -e vllm_version=0.31.0 -e vllm_allow_restart=true"),
        (["vllm-0.31.0-cpu-0a1b2c3d"], "with what was changed as it was before (vllm_version was one of 0.31.0)"),
        (["vllm-0.31.0-cpu", "vllm-0.30.0-cuda"], "(vllm_version was one of 0.30.0, 0.31.0)"),
        (["own"], "(vllm_version was one of those)"),
    ],
)
def test_the_way_back_is_a_command(names, told):
    text = going_back.advice([f"/opt/vllm/envs/{name}" for name in names])
    assert told in text
    assert all(f"/opt/vllm/envs/{name}" in text for name in names)


def test_a_record_is_for_everybody_to_read(tmp_path):
    path = made(tmp_path, "e")
    assert records.record_path(path) == Path(tmp_path / ".e.json")
    assert records.record_path(path).stat().st_mode & 0o777 == 0o644
