# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl show, recorded on a Debian 12 host."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.diagnosis import systemd

SHOW = """\
MainPID=2914
NRestarts=2
ExecMainStartTimestampMonotonic=3704560127
Result=success
ControlGroup=/system.slice/vllm-chat-0.service
Id=vllm-chat-0.service
LoadState=loaded
ActiveState=active
SubState=running
InvocationID=6d2bc2b6a1b54ea0a3e9f1d3b6b0f0d1

MainPID=0
NRestarts=0
ExecMainStartTimestampMonotonic=0
Result=success
Id=vllm-nope.service
LoadState=not-found
ActiveState=inactive
SubState=dead

MainPID=0
NRestarts=1
ExecMainStartTimestampMonotonic=3704560127
Result=exit-code
ControlGroup=
Id=vllm-chat-1.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
InvocationID=
"""


def test_states_in_the_order_asked():
    running, missing, restarting = systemd.unit_states(SHOW)
    assert running == systemd.UnitState(
        "vllm-chat-0.service", "loaded", "active", "running", "success", 2, 2914,
        "6d2bc2b6a1b54ea0a3e9f1d3b6b0f0d1", "/system.slice/vllm-chat-0.service", 3704560127,
    )  # fmt: skip
    assert [state.running for state in (running, missing, restarting)] == [True, False, False]
    assert missing.explain() == "there is no such unit"
    assert restarting.explain() == "it ended (exit-code) and waits to be restarted, restarted 1 time"


@pytest.mark.parametrize(
    ("show", "words"),
    [
        ("Id=a\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=oom-kill\nNRestarts=0",
         "it is failed (failed), result oom-kill, restarted 0 times"),
        ("Id=a\nLoadState=masked\nActiveState=inactive", "the unit file cannot be used (masked)"),
        ("Id=a\nLoadState=bad-setting\nActiveState=inactive", "the unit file cannot be used (bad-setting)"),
    ],
)  # fmt: skip
def test_why_a_unit_does_not_run(show, words):
    assert systemd.unit_states(show)[0].explain() == words


def test_a_reloading_unit_runs():
    assert systemd.unit_states("Id=a\nActiveState=reloading")[0].running


def test_an_ordinary_end_is_no_setup_failure():
    text = "x.service: Main process exited, code=exited, status=1/FAILURE"
    assert systemd.setup_failure(text) is None
    assert systemd.process_end(text).code == "exited"


def test_an_unknown_signal_is_named():
    end = systemd.process_end("x.service: Main process exited, code=killed, status=1/HUP")
    assert (end.code, end.summary) == ("killed", "it was ended by SIGHUP")


def test_other_lines_tell_no_end():
    assert systemd.process_end("x.service: Scheduled restart job, restart counter is at 1.") is None
