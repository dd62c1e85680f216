# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real outputs, as collected beside this checkout, against what a person reads in them.

They belong to other projects, so they are not part of this one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.report import read_network

CORPUS = Path(__file__).resolve().parents[6] / "shared" / "corpus"
INDEX = CORPUS / "INDEX.json"
ENTRIES = [entry for entry in (json.loads(INDEX.read_text()) if INDEX.is_file() else []) if entry["kind"] == "net"]

pytestmark = pytest.mark.skipif(not ENTRIES, reason="the collection of real outputs is not beside this checkout")


def entries(part):
    return [pytest.param(entry, id=entry["file"].split("/")[-1][:40]) for entry in ENTRIES if part in entry["file"]]


def read(entry):
    text = (CORPUS / entry["file"]).read_text(encoding="utf-8", errors="replace")
    return text, read_network(text)


@pytest.mark.parametrize("entry", entries("/"))
def test_all_are_understood_and_in_no_doubt_but_where_the_index_says_so(entry):
    _text, document = read(entry)
    assert document["interfaces"] or document["rdma_devices"]
    doubts = [text for text in document["warnings"] if "taken from the name" not in text]
    assert bool(doubts) == ("PARTIAL" in entry["special"])
    expected = re.search(r"infiniband interfaces: (\d+)", entry["expect"])
    if expected:
        assert sum(item["type"] == "infiniband" for item in document["interfaces"]) == int(expected[1])


@pytest.mark.parametrize("entry", entries("ip-"))
def test_ip(entry):
    text, document = read(entry)
    names = re.findall(r'"ifname":"([^"]+)"', text) or re.findall(r"^\s*\d+: ([^:@]+)[@:]", text, re.MULTILINE)
    macs = re.findall(r'"address":"([^"]+)"', text) or re.findall(r"link/\w+ (\S+)", text)
    assert [item["name"] for item in document["interfaces"]] == names
    assert [item["mac"] for item in document["interfaces"]] == macs
    assert [item["mtu"] for item in document["interfaces"]] == [
        int(mtu) for mtu in re.findall(r'(?<!_)\bmtu"?[: ](\d+)', text)
    ]
    assert [a for item in document["interfaces"] for a in item["addresses"] or []] == re.findall(r"inet6? (\S+)", text)
    carriers = [flags for flags in re.findall(r"[<\[][A-Z\",_-]+[>\]]", text) if "UP" in flags]
    assert [item["carrier"] for item in document["interfaces"]] == ["LOWER_UP" in flags for flags in carriers]
    if "@if" in entry["special"]:
        assert document["interfaces"][0]["kind"] == "virtual"


@pytest.mark.parametrize("entry", entries("ifconfig"))
def test_ifconfig(entry):
    text, document = read(entry)
    heads = re.findall(r"^(\S+): flags=\d+<(\S+)>  mtu (\d+)", text, re.MULTILINE)
    assert [(item["name"], item["mtu"]) for item in document["interfaces"]] == [(h[0], int(h[2])) for h in heads]
    states = ["unknown" if "LOOPBACK" in h[1] else "up" if "RUNNING" in h[1] else "down" for h in heads]
    assert [item["state"] for item in document["interfaces"]] == states
    found = [a.split("/")[0] for item in document["interfaces"] for a in item["addresses"] or []]
    assert found == re.findall(r"inet6? (\S+)", text)
    assert [item["mac"] for item in document["interfaces"] if item["mac"]] == re.findall(r"ether (\S+)", text)


@pytest.mark.parametrize("entry", entries("ibdev2netdev"))
def test_ibdev2netdev(entry):
    text, document = read(entry)
    lines = re.findall(r"^(\S+) port (\d) ==> (\S+) \((\w+)\)$", text, re.MULTILINE)
    found = [(p["name"], str(p["port"]), p["interface"]) for p in document["rdma_devices"]]
    assert found == [line[:3] for line in lines]
    interfaces = [(i["rdma"], i["name"], i["state"].title()) for i in document["interfaces"]]
    assert interfaces == [(line[0], line[2], line[3]) for line in lines]


@pytest.mark.parametrize("entry", entries("ibv-devinfo"))
def test_ibv_devinfo(entry):
    text, document = read(entry)
    states = [state.lower() for state in re.findall(r"PORT_(\w+)", text)]
    layers = [layer.lower() for layer in re.findall(r"link_layer:\s+(\w+)", text)]
    assert [port["name"] for port in document["rdma_devices"]] == re.findall(r"hca_id:\s+(\S+)", text)
    assert [port["state"] for port in document["rdma_devices"]] == states
    assert [port["link_layer"] for port in document["rdma_devices"] if port["link_layer"]] == layers
