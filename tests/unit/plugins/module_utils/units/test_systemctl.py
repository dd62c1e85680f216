# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.units.errors import UnitError
from ansible_collections.vllm.cluster.plugins.module_utils.units.systemctl import Systemctl, parse_blocks

# systemd 252, recorded.
SHOWN = """\
Id=vllm.target
ActiveState=active
SubState=active
FragmentPath=/etc/systemd/system/vllm.target
UnitFileState=enabled
NeedDaemonReload=no

Result=success
ExecMainStatus=0
Id=vllm-chat-0.service
ActiveState=active
SubState=running
FragmentPath=/etc/systemd/system/vllm-chat-0.service
UnitFileState=enabled
NeedDaemonReload=no

Result=success
ExecMainStatus=0
Id=vllm-nope-0.service
ActiveState=inactive
SubState=dead
FragmentPath=
UnitFileState=
NeedDaemonReload=no
"""
NAMES = ["vllm.target", "vllm-chat-0.service", "vllm-nope-0.service"]


class Recorder:
    """In place of a shell: notes what is run, answers as told."""

    def __init__(self, code=0, output="", errors=""):
        self.answer = (code, output, errors)
        self.ran = []

    def __call__(self, command):
        self.ran.append(command)
        return self.answer


def test_every_unit_is_told_in_the_order_asked():
    run = Recorder(output=SHOWN)
    shown = Systemctl(run).show(NAMES)
    assert list(shown) == NAMES
    assert [shown[name]["ActiveState"] for name in NAMES] == ["active", "active", "inactive"]
    assert shown["vllm-nope-0.service"]["FragmentPath"] == ""
    assert len(run.ran) == 1


def test_an_equals_sign_in_a_value_stays():
    assert parse_blocks("A=b=c\n") == [{"A": "b=c"}]


def test_nothing_to_do_runs_nothing():
    run = Recorder()
    systemctl = Systemctl(run)
    assert systemctl.show([]) == {}
    for act in (systemctl.start, systemctl.stop, systemctl.restart, systemctl.enable, systemctl.disable):
        act([])
    systemctl.reset_failed([])
    assert run.ran == []


def test_all_units_in_one_call():
    run = Recorder()
    systemctl = Systemctl(run, "/bin/systemctl")
    systemctl.restart(["a", "b"])
    systemctl.enable(["a", "b"])
    systemctl.daemon_reload()
    assert run.ran == [
        ["/bin/systemctl", "restart", "a", "b"],
        ["/bin/systemctl", "enable", "--no-reload", "a", "b"],
        ["/bin/systemctl", "daemon-reload"],
    ]


@pytest.mark.parametrize(
    ("names", "answer", "told"),
    [
        (["a"], (1, "", "Job failed.\n"), "a: systemctl start: Job failed."),
        (["a", "b"], (1, "out", ""), "systemctl start: out"),
        (["a"], (4, "", ""), "a: systemctl start: exit status 4"),
    ],
)
def test_a_failure_says_which_step(names, answer, told):
    with pytest.raises(UnitError) as caught:
        Systemctl(Recorder(*answer)).start(names)
    assert str(caught.value) == told


def test_a_missing_block_is_no_other_units_state():
    with pytest.raises(UnitError, match="told of 3 units, asked for 2"):
        Systemctl(Recorder(output=SHOWN)).show(NAMES[:2])


def test_without_systemd_it_says_so():
    run = Recorder(1, "", "System has not been booted with systemd as init system (PID 1). Can't operate.\n")
    with pytest.raises(UnitError, match="not been booted with systemd"):
        Systemctl(run).show(NAMES)
