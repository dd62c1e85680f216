# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.own_units import read_units

SHOWN = """cat <<'END'
Id=vllm-r1-0.service
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=4711

Id=vllm-r1-0-guard.service
ActiveState=failed
SubState=failed
UnitFileState=disabled
MainPID=0
END"""


@pytest.fixture
def systemd(tree):
    tree.write({"/run/systemd/system/x": ""})
    return tree


def test_state_and_network_of_each_unit(systemd, host):
    environ = "PATH=/bin\0VLLM_HOST_IP=10.9.0.1\0VLLM_API_KEY=sk-secret\0GLOO_SOCKET_IFNAME=ib0\0NOTE=a=b\0"
    systemd.write({"/proc/4711/environ": environ})
    found = read_units(systemd.files, host(systemctl=SHOWN))
    assert found == {
        "vllm-r1-0.service": {
            "state": "active",
            "substate": "running",
            "enabled": True,
            "address": "10.9.0.1",
            "interface": "ib0",
        },
        "vllm-r1-0-guard.service": {
            "state": "failed",
            "substate": "failed",
            "enabled": False,
            "address": None,
            "interface": None,
        },
    }
    assert "secret" not in str(found)


def test_a_process_that_just_ended_has_no_network(systemd, host):
    found = read_units(systemd.files, host(systemctl=SHOWN))
    assert found["vllm-r1-0.service"]["address"] is None


def test_without_units_there_are_none(systemd, host):
    assert read_units(systemd.files, host(systemctl="true")) == {}


def test_what_systemd_does_not_tell_is_not_known(systemd, host):
    assert read_units(systemd.files, host(systemctl="exit 1")) is None


def test_without_systemd_nothing_is_known(tree, host):
    assert read_units(tree.files, host(systemctl=SHOWN)) is None
