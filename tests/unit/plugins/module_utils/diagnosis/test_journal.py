# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl's output as clean lines and as start attempts."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import journal


@pytest.mark.parametrize(
    ("raw", "level", "text"),
    [
        # 0.32.0, nested process tags, an error's continuation line
        (
            "(APIServer pid=15084) INFO 11-21 01:10:16 [model.py:733] Resolved architecture: X",
            "INFO",
            "Resolved architecture: X",
        ),
        ('(Worker_TP0 pid=1) (EngineCore pid=2) ERROR 11-21 01:10:16 [a.py:3]   File "x"', "ERROR", '  File "x"'),
        # 0.7.x: no brackets, V0 worker tag; 0.9.x: rank in the tag; Ray's worker tag with an address
        (
            "(VllmWorkerProcess pid=486) INFO 04-12 08:22:04 model_runner.py:1456] Capturing cudagraphs",
            "INFO",
            "Capturing cudagraphs",
        ),
        ("(VllmWorker rank=1 pid=9) WARNING 06-30 13:53:19 [core.py:515] text", "WARNING", "text"),
        (
            "\x1b[36m(RayWorkerWrapper pid=7, ip=192.168.10.60)\x1b[0m ERROR 03-27 10:29:13 [worker_base.py:620] no",
            "ERROR",
            "no",
        ),
        # a debug build writes paths
        ("DEBUG 02-20 10:11:12 [v1/engine/core.py:50] x", "DEBUG", "x"),
        # an uncaught exception in a tagged process has no level
        ("(EngineCore_DP0 pid=17374) RuntimeError: no", "", "RuntimeError: no"),
        ("INFO:     Application startup complete.", "INFO", "Application startup complete."),
        ("2026-11-21 01:12:11,453\tINFO worker.py:1691 -- Using address", "INFO", "Using address"),
        ("[2026-11-21 01:12:16,470 W 252 252] rpc_client.h:153: Failed to connect", "WARNING", "Failed to connect"),
        ("[W1121 01:22:16.377724418 TCPStore.cpp:340] [c10d] TCP client failed", "WARNING", "[c10d] TCP client failed"),
        ("Loading: 10%\rLoading: 50%\r", "", "Loading: 50%"),
        ("", "", ""),
        ("INFORMATION: not a level", "", "INFORMATION: not a level"),
    ],
)
def test_lines_are_cleaned(raw, level, text):
    assert journal.clean(raw) == (level, text)


@pytest.mark.parametrize(
    ("raw", "hidden"),
    [
        ("non-default args: {'api_key': ['sk-secret'], 'port': 1}", "sk-secret"),
        ("args: {'api_key': 'sk-secret'}", "sk-secret"),
        ("Authorization: Bearer sk-secret", "sk-secret"),
        ("HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz", "defghijklmnop"),
    ],
)
def test_secrets_are_hidden(raw, hidden):
    text = journal.clean(raw)[1]
    assert hidden not in text
    assert "********" in text


def test_text_and_bytes_and_rubbish():
    rows = [
        json.dumps({"MESSAGE": "one", "_SYSTEMD_INVOCATION_ID": "a", "__REALTIME_TIMESTAMP": "1500000"}),
        json.dumps({"MESSAGE": [*b"\x1b[31mtwo\r"], "_SYSTEMD_INVOCATION_ID": "a"}),
        "no json",
        json.dumps({"MESSAGE": None}),
        json.dumps(["not", "an", "entry"]),
    ]
    lines = journal.from_json("\n".join(rows))
    assert [(line.text, line.time) for line in lines] == [("one", 1.5), ("two", 0.0), ("", 0.0)]


def test_attempts_are_the_unit_s_invocations(units):
    assert [attempt.invocation[:6] for attempt in units] == [
        "4bb9e0", "5ea79b", "d8aac1", "21748e", "242dc4", "5ec927", "7fd854", "78d9b5", "6cd1e3",
    ]  # fmt: skip
    assert [attempt.ended for attempt in units] == [True] * 8 + [False]


def test_systemd_and_its_child_are_told_from_the_program(units):
    texts = [line.text for line in units[2].lines if line.systemd]
    assert any("Failed to locate executable" in text for text in texts)  # said by the child, before the program runs
    assert any("status=203/EXEC" in text for text in texts)
    assert all(line.systemd for line in units[2].lines)
    assert not all(line.systemd for line in units[0].lines)


def test_a_bare_log_is_one_attempt():
    attempts = journal.attempts(journal.from_text(["INFO:     one\n", "two\n"]))
    assert [(len(attempt.lines), attempt.ended) for attempt in attempts] == [(2, False)]
