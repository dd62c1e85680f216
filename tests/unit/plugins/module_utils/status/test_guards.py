# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guard's status is worth."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.status import guards

NOW = 1_000_000.0
WORKER = {"role": "worker", "phase": "serving", "epoch": 3, "head_epoch": 3, "written": NOW - 4}


@pytest.mark.parametrize(
    ("status", "ok", "told"),
    [
        (WORKER, True, "serving, epoch 3"),
        ({**WORKER, "role": "head", "head_epoch": None}, True, "serving, epoch 3"),
        ({**WORKER, "phase": "loading"}, False, "its guard says: loading"),
        ({**WORKER, "phase": "head not heard"}, False, "head not heard"),
        ({**WORKER, "epoch": 2}, False, "of epoch 2, the head is in 3"),
        ({**WORKER, "written": NOW - 60}, False, "says nothing any more"),
        ({**WORKER, "written": None}, False, "says nothing any more"),
        (None, False, "has not said anything yet"),
    ],
)
def test_a_member_s_token_rung(status, ok, told):
    check = guards.token_check(status, NOW)
    assert check.ok is ok
    assert told in check.detail


@pytest.mark.parametrize("text", [None, "", "{", "[]", "\xff"])
def test_a_file_that_is_no_status_is_none(tmp_path, text):
    path = tmp_path / "e.status.json"
    if text is not None:
        path.write_text(text, encoding="latin-1")
    assert guards.read(str(path)) is None


def test_a_status_is_read(tmp_path):
    (tmp_path / "e-0.status.json").write_text(json.dumps(WORKER))
    assert guards.read(guards.path("e-0", str(tmp_path))) == WORKER
