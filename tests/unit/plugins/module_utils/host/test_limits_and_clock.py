# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What logins get, and who keeps the clock."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.host import clock, limits
from ansible_collections.vllm.cluster.plugins.module_utils.host.errors import HostError

THERE = {"FragmentPath": "/lib/systemd/system/x.service", "ActiveState": "inactive"}
RUNS = {**THERE, "ActiveState": "active"}


def test_root_has_lines_of_its_own():
    text = limits.text(limits.read({"nofile": 1048576, "memlock": "unlimited"}))
    assert text.splitlines()[1:] == [
        "* - memlock unlimited",
        "root - memlock unlimited",
        "* - nofile 1048576",
        "root - nofile 1048576",
    ]
    assert limits.text({}) == ""


@pytest.mark.parametrize(("name", "value", "amount"), [("memlock", "4096", 4 << 20), ("nofile", "12000", 12000)])
def test_limits_are_in_the_units_of_the_file(name, value, amount):
    assert limits.kernel_value(name, value)[1] == amount


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"files": 1}, "vllm_limits['files'] = 1: is no limit"),
        ({"nofile": "1M"}, "vllm_limits['nofile'] = 1M: is no value of a limit"),
        ({"nofile": -1}, "write a number, or unlimited"),
        ({"nofile": True}, "is no value of a limit"),
    ],
)
def test_bad_limits_are_named(wanted, message):
    with pytest.raises(HostError) as error:
        limits.read(wanted)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("states", "is_container", "action", "unit"),
    [
        ({}, False, "install", "chrony.service"),
        ({"systemd-timesyncd.service": THERE}, False, "start", "systemd-timesyncd.service"),
        ({"systemd-timesyncd.service": THERE, "ntpsec.service": RUNS}, False, "none", "ntpsec.service"),
        ({"chrony.service": THERE, "systemd-timesyncd.service": THERE}, False, "start", "chrony.service"),
        ({}, True, "none", None),
    ],
)
def test_who_keeps_the_clock_is_left_alone(states, is_container, action, unit):
    found = clock.decide(states, is_container, "debian")
    assert (found["action"], found["unit"]) == (action, unit)


@pytest.mark.parametrize(
    ("states", "family", "file", "text"),
    [
        ({}, "debian", "/etc/chrony/sources.d/vllm.sources", "server ntp.example.org iburst\n"),
        ({}, "redhat", "/etc/chrony.conf", "server ntp.example.org iburst\n"),
        (
            {"systemd-timesyncd.service": RUNS},
            "debian",
            "/etc/systemd/timesyncd.conf.d/vllm.conf",
            "# Written by vllm.cluster (docs/hosts.md).\n[Time]\nNTP=ntp.example.org\n",
        ),
        ({"ntpsec.service": RUNS}, "debian", None, None),
    ],
)
def test_servers_are_named_where_the_daemon_reads_them(states, family, file, text):
    found = clock.decide(states, False, family, ["ntp.example.org"])
    assert (found["file"], found["text"]) == (file, text)


def test_a_server_that_is_none_is_named():
    with pytest.raises(HostError, match=r"vllm_time_servers\[1\] = a b: is no name and no address"):
        clock.decide({}, False, "debian", ["ntp.example.org", "a b"])
