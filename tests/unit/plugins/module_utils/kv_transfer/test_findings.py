# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What findings say, that servers of a test cannot be brought to."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer import check, findings, judge, knowledge, report
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer.answers import EQUAL, Tokens
from ansible_collections.vllm.cluster.plugins.module_utils.kv_transfer.counts import Counts

ROOT = Path(__file__).resolve().parents[5]
ENGINES = (judge.Engine("p", "prefill", ("http://p",)), judge.Engine("d", "decode", ("http://d",)))
MOVED = {"p": Counts(320, 320, 0, 0), "d": Counts(320, 0, 0, 320)}


def case(counted, totals=None, connector="NixlConnector", parts=()):
    trial = judge.Trial(counted, Tokens((1,), 320), None, EQUAL, "p")
    expected = knowledge.expect(connector, parts, "0.32.0")
    found = judge.judge(trial, ENGINES, expected, 16)
    return findings.Case(ENGINES, expected, (trial,), (found,), totals or counted, {})


def test_nothing_is_wrong():
    assert findings.findings(case(MOVED)) == []


def test_what_expired_beside_prompts_that_are_proved_was_another_s():
    expired = Counts(320, 320, 0, 0, expired={"vllm:nixl_num_kv_expired_reqs_total": 1})
    found = findings.findings(case(MOVED, {**MOVED, "p": expired}))
    assert [(item.id, item.level, item.engine) for item in found] == [("kv-expired", "warning", "p")]
    recomputed = {**MOVED, "d": Counts(320, 320, 0, 0)}
    found = findings.findings(case(recomputed, {**recomputed, "p": expired}))
    assert {(item.id, item.level) for item in found} == {("kv-expired", "error"), ("kv-not-brought", "error")}


def test_what_failed_is_wrong_even_where_all_is_proved():
    failed = Counts(320, 0, 0, 320, failed={"vllm:nixl_num_failed_transfers_total": 2, "other": 0})
    found = findings.findings(case(MOVED, {**MOVED, "d": failed}))
    assert [(item.id, item.where) for item in found] == [("kv-transfer-failed", "decode engine d")]
    assert found[0].what == "transfers failed during the check: vllm:nixl_num_failed_transfers_total +2"


def test_a_part_that_moves_nothing_beside_one_that_does():
    parts = ("NixlConnector", "ExampleConnector")
    still = {**MOVED, "d": Counts(320, 0, 0, 320, transfers=0)}
    found = findings.findings(case(still, connector="MultiConnector", parts=parts))
    assert [(item.id, item.level, item.engine) for item in found] == [("kv-part-idle", "warning", "d")]
    used = {**MOVED, "d": Counts(320, 0, 0, 320, transfers=1)}
    assert findings.findings(case(used, connector="MultiConnector", parts=parts)) == []


def test_every_finding_is_in_the_documents():
    package = Path(findings.__file__).parent
    used = {name for file in package.glob("*.py") for name in re.findall(r'"(kv-[a-z-]+)"', file.read_text())}
    told = set(re.findall(r"`(kv-[a-z-]+)`", (ROOT / "docs" / "disaggregation.md").read_text()))
    assert len(used) == 15
    assert used <= told


def test_an_item_that_was_not_asked_has_the_keys_of_one_that_was():
    done = report.not_done("chat", None, "NixlConnector", "no door")
    assert report.summary(done) == ["KV transfer of service chat: NixlConnector: not done: no door"]
    asked = report.words("chat", "http://door", check.Outcome(case(MOVED), 16, 1.0, ()))
    assert (done.keys(), done["ok"], asked["ok"]) == (asked.keys(), None, True)
