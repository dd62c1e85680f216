# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.routes import check_peers, read_routes

ANSWERS = """cat > {folder}/asked
echo '[{{"dst":"10.9.0.2","dev":"ib0","prefsrc":"10.9.0.1"}}]'
echo 'RTNETLINK answers: Network is unreachable' >&2
echo '[{{"dst":"fd00::5","dev":"eth0","prefsrc":"fd00::2"}}]'
exit 2
"""


def test_one_command_for_all(host, tmp_path):
    commands = host(ip=ANSWERS.format(folder=tmp_path))
    peers = ["10.9.0.2", "192.0.2.1", "FD00:0::5", "10.9.0.2"]
    assert read_routes(peers, commands) == {
        "10.9.0.2": {"interface": "ib0", "source": "10.9.0.1"},
        "192.0.2.1": None,
        "FD00:0::5": {"interface": "eth0", "source": "fd00::2"},
    }
    assert len(commands.module.ran) == 1
    assert (tmp_path / "asked").read_text() == "route get 10.9.0.2\nroute get 192.0.2.1\nroute get fd00::5\n"


def test_no_peer_and_no_ip(host):
    commands = host(ip="exit 1")
    assert read_routes([], commands) == {}
    assert commands.module.ran == []
    commands.module.tools = "/nonexistent"
    assert read_routes(["10.0.0.1"], commands) == {"10.0.0.1": None}


@pytest.mark.parametrize("peer", ["gpu1", "10.0.0.1\nlink delete lo", "fe80::1%lo\nlink delete lo", "fe80::1%eth0", ""])
def test_what_is_no_address_never_reaches_ip(host, peer):
    commands = host(ip="exit 0")
    with pytest.raises(ValueError, match=r"zone|does not appear to be"):
        read_routes([peer], commands)
    assert commands.module.ran == []
    with pytest.raises(ValueError, match=r"zone|does not appear to be"):
        check_peers([peer])
