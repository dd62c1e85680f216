# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every tool tells the same host; damage loses values and never makes wrong ones; no text raises."""

from __future__ import annotations

import html
import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.report import read_network
from hypothesis import example, given, settings
from hypothesis import strategies as st

from . import hosts

SETTINGS = settings(max_examples=150, deadline=None)
PRINTERS = {
    "ip addr": hosts.ip_text,
    "ip -d addr": lambda nics: hosts.ip_text(nics, details=True),
    "ip -o": hosts.ip_one_line,
    "ip -br": hosts.ip_brief,
    "ip -j": hosts.ip_json,
    "ip -j -p": lambda nics: hosts.ip_json(nics, pretty=True),
    "sorted": lambda nics: hosts.ip_json(nics, sort_keys=True),
    "ifconfig": hosts.ifconfig_new,
    "old ifconfig": hosts.ifconfig_old,
}
PREFIXES = ("", "> ", "node17: ", "2026-11-20T10:00:07.123456Z ", "[pod/vllm-0/vllm] ", "vllm-1  | ")
PASTES = {
    "as it is": lambda text: text,
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "command before": lambda text: "root@gpu1:~# ip addr\n" + text,
    "page": html.escape,
    "quoted": lambda text: json.dumps({"stdout": text}),
}
COLOURS = st.sampled_from(["", "\x1b[36m", "\x1b[0m", "[36m", "^[[0m"])


def told(document):
    return {item["name"]: item for item in document["interfaces"]}


@pytest.mark.parametrize("tool", PRINTERS)
@SETTINGS
@given(nics=hosts.hosts())
def test_every_tool_tells_the_same_host(tool, nics):
    document = read_network(PRINTERS[tool](nics))
    found = told(document)
    assert list(found) == [nic.name for nic in nics]
    assert [text for text in document["warnings"] if "taken from the name" not in text] == []
    for nic in nics:
        item = found[nic.name]
        assert sorted(item["addresses"] or []) == sorted(nic.addresses)
        assert item["state"] == nic.state.lower()
        assert item["kind"] == ("vlan" if nic.lower else "bond" if nic.name == "bond0" else "physical")
        assert item["lower"] == nic.lower
        if tool != "ip -br":
            assert item["mtu"] == nic.mtu
            assert item["type"] == ("infiniband" if nic.infiniband else "ethernet")
            assert item["carrier"] == (("LOWER_UP" in nic.flags) if "UP" in nic.flags else None)
            # ifconfig does not see all of an InfiniBand address.
            assert item["mac"] == (None if nic.infiniband and "ifconfig" in tool else nic.mac)


@pytest.mark.parametrize("tool", ["ip addr", "ip -d addr", "ifconfig", "old ifconfig", "ip -j", "ip -j -p"])
@SETTINGS
@given(nics=hosts.hosts(), prefix=st.sampled_from(PREFIXES), paste=st.sampled_from(sorted(PASTES)))
def test_what_pasting_does_changes_nothing(tool, nics, prefix, paste):
    plain = PRINTERS[tool](nics)
    if prefix:
        plain = "\n".join(prefix + line for line in plain.split("\n"))
    found = read_network(PASTES[paste](plain))
    expected = read_network(PRINTERS[tool](nics))
    assert found["interfaces"] == expected["interfaces"]


@SETTINGS
@given(nics=hosts.hosts(), colour=COLOURS, reset=COLOURS)
def test_colours(nics, colour, reset):
    text = hosts.ip_text(nics)
    for nic in nics:
        text = text.replace(f": {nic.name}:", f": {colour}{nic.name}{reset}:").replace(
            nic.mac, colour + nic.mac + reset
        )
    assert told(read_network(text)) == told(read_network(hosts.ip_text(nics)))


@st.composite
def cut(draw, tool, nics):
    text = PRINTERS[tool](nics)
    if draw(st.booleans()) or tool in ("ip -br", "ifconfig"):  # a line's last value there ends where the line does
        return text[: draw(st.integers(0, len(text)))]
    width = draw(st.integers(0, max(map(len, text.split("\n")))))
    return "\n".join(line[:width] for line in text.split("\n"))


@pytest.mark.parametrize("tool", PRINTERS)
@SETTINGS
@given(data=st.data(), nics=hosts.hosts())
def test_a_cut_text_tells_nothing_wrong(tool, data, nics):
    truth = {nic.name: nic for nic in nics}
    document = read_network(data.draw(cut(tool, nics)))
    for name, item in told(document).items():
        assert set(item["addresses"] or []) <= set(truth[name].addresses)
        assert item["mac"] in (None, truth[name].mac)
        assert item["mtu"] in (None, truth[name].mtu)
        assert item["state"] in ("unknown", truth[name].state.lower())
        assert item["lower"] in (None, truth[name].lower)


@pytest.mark.parametrize("tool", ["ip addr", "ip -j", "ifconfig", "old ifconfig"])
@SETTINGS
@given(data=st.data(), nics=hosts.hosts())
def test_what_a_cut_within_a_value_loses_is_told(tool, data, nics):
    """A cut within an address leaves fewer addresses and a warning."""
    text = PRINTERS[tool](nics)
    addresses = [(nic.name, address) for nic in nics for address in nic.addresses]
    if not addresses:
        return
    _name, address = data.draw(st.sampled_from(addresses))
    at = text.rfind(address.split("/")[0])
    document = read_network(text[: at + data.draw(st.integers(1, len(address.split("/")[0]) - 1))])
    assert document["warnings"]


_BITS = st.sampled_from(
    [
        *(
            "1: eth0: <UP,LOWER_UP> mtu 1500 state UP\n",
            "    link/ether ",
            "00:11:22:33:44:55",
            " brd ",
            "inet ",
            "inet6 ",
        ),
        *(
            "10.0.0.1/24",
            "fe80::1/64",
            " scope global\n",
            "\n",
            " ",
            "\t",
            "\\",
            "\x1b[0m",
            "@",
            "vf 0 ",
            " peer 10.0.0.2/32 ",
        ),
        *(
            "eth0: flags=1<UP>  mtu 1500\n",
            "eth0 Link encap:Ethernet  HWaddr ",
            "ether ",
            " netmask 255.0.0.0",
            "Mask:",
        ),
        *(
            "mlx5_0 port 1 ==> ib0 (Up)\n",
            "hca_id:\tmlx5_0\n",
            "\tport:\t1\n",
            "state:\tPORT_ACTIVE (4)\n",
            "==>",
            "(",
            ")",
        ),
        *(
            '[{"ifname":',
            '"eth0"',
            '"mtu":',
            "1e999",
            "NaN",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"addr_info":[{"family":"inet",',
        ),
        *(
            "9" * 5000,
            "&lt;",
            "link x/1 state ",
            "CA 'mlx5_0'\n",
            "Port 1:\n",
            "Rate: 200\n",
            "null",
            '\\"ifname\\"',
            "dev ",
        ),
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(_BITS, max_size=25).map("".join) | st.text(max_size=200))
@example('{"ifname":' * 3000)
@example('[{"ifname":"a","mtu":' + "9" * 5000 + "}]")
@example('{"ifname":"a","addr_info":' + "[" * 100_000)
@example('{"stdout":"{\\"ifname\\":3}"}')
def test_no_text_raises(text):
    document = read_network(text)
    json.dumps(document)
    nothing = text.strip() in ("", "[]") or "No IB devices found" in text
    assert nothing or any(document.values())


@settings(max_examples=300, deadline=None)
@given(nics=hosts.hosts(), tool=st.sampled_from(sorted(PRINTERS)), data=st.data())
def test_no_damage_raises(nics, tool, data):
    text = list(PRINTERS[tool](nics))
    for _damage in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(text) - 1)))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(_BITS)
    json.dumps(read_network("".join(text)))
