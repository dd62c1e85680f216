# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.network.model import Interface
from ansible_collections.vllm.cluster.plugins.module_utils.preflight import launch
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import Member
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files

ME = Member("gpu1", "10.9.0.1", (29501,), ranks=2)
PEER = Member("gpu2", "10.9.0.2", (29501,), ranks=2)
INTERFACES = [
    Interface("lo", ["127.0.0.1/8"]),
    Interface("eth0", ["192.0.2.1/24", "fd00::1/64"]),
    Interface("ib0", ["10.9.0.1/24"]),
    Interface("ib1", ["10.8.0.1/24"]),
    Interface("eth1", ["fe80::1/64"]),
]


def choice(backend="gloo", own=(), **environment):
    return launch.choice(backend, environment, ME, INTERFACES, own)


@pytest.mark.parametrize(
    ("backend", "value", "name", "address"),
    [
        ("gloo", "ib0", "ib0", "10.9.0.1"),
        ("gloo", "eth0", "eth0", "192.0.2.1"),
        ("nccl", "ib0", "ib0", "10.9.0.1"),
        ("nccl", "ib", "ib0", "10.9.0.1"),  # a prefix
        ("nccl", "=ib1", "ib1", "10.8.0.1"),
        ("nccl", "eth0,ib0", "ib0", "10.9.0.1"),
        ("nccl", "^lo,eth", "ib0", "10.9.0.1"),
    ],
)
def test_the_interface_that_a_variable_names(backend, value, name, address):
    found = choice(backend, **{launch.VARIABLES[backend]: value})
    assert (found["name"], found["address"], found["error"], found["value"]) == (name, address, None, value)


@pytest.mark.parametrize(
    ("backend", "environment", "error"),
    [
        ("gloo", {"GLOO_SOCKET_IFNAME": "ib"}, "GLOO_SOCKET_IFNAME=ib: there is no such interface"),
        ("nccl", {"NCCL_SOCKET_IFNAME": "=ib"}, "NCCL_SOCKET_IFNAME==ib: there is no such interface"),
        ("gloo", {"GLOO_SOCKET_IFNAME": "eth1"}, "GLOO_SOCKET_IFNAME=eth1: the interface has no address"),
        ("nccl", {"NCCL_SOCKET_IFNAME": "ib0", "GLOO_SOCKET_IFNAME": "x"}, "GLOO_SOCKET_IFNAME=x: there is no such"),
        ("gloo", {"GLOO_SOCKET_IFNAME": "ib0", "TP_SOCKET_IFNAME": "x"}, "TP_SOCKET_IFNAME=x: there is no such"),
    ],
)
def test_an_interface_that_cannot_be(backend, environment, error):
    found = choice(backend, **environment)
    assert found["error"].startswith(error)
    assert found["address"] is None


def test_without_a_variable_gloo_takes_what_the_hosts_name_stands_for():
    assert choice(own=["127.0.1.1"])["address"] == "127.0.1.1"
    assert choice(own=["192.0.2.1", "10.9.0.1"])["address"] == "10.9.0.1"
    assert choice(own=[])["address"] == "10.9.0.1"
    assert choice("nccl", own=["127.0.1.1"])["name"] == "ib0"


def given(backend="gloo", me=ME, **environment):
    return json.loads(launch.given([ME, PEER], me, backend, [4096], 0.1, 8, environment, []))


def test_what_the_program_is_given():
    settings = given(me=PEER, A="b", NCCL_DEBUG_FILE="/x")["settings"]
    assert (settings["first"], settings["count"], settings["world"]) == (2, 2, 4)
    assert (settings["address"], settings["port"]) == ("10.9.0.1", 29501)
    assert settings["environment"] == {"A": "b"}
    debug = given("nccl", NCCL_DEBUG="WARN")["settings"]["environment"]
    assert (debug["NCCL_DEBUG"], "NET" in debug["NCCL_DEBUG_SUBSYS"]) == ("INFO", True)


def ran(text):
    """What the program prints, in a Python that has no torch."""
    begin = time.monotonic()
    words = launch.command([sys.executable, "-I"])
    done = subprocess.run(words, input=json.dumps(text), capture_output=True, text=True, timeout=60, check=False)
    return launch.read(done.stdout, 4), time.monotonic() - begin, done.stderr


def test_a_python_without_torch_is_told_by_every_rank():
    text = given()
    text["source"] = text["source"].replace('import_module("torch")', 'import_module("no_such_torch")')
    found, seconds, err = ran(text)
    assert err == ""
    assert seconds < 8
    assert [(rank["rank"], rank["stage"]) for rank in found["ranks"]] == [(0, "import"), (1, "import")]
    assert all("No module named 'no_such_torch'" in rank["error"] for rank in found["ranks"])
    assert "Traceback" in found["log"]
    assert found["sizes"] == []


@pytest.mark.parametrize(
    ("instead", "error"),
    [("os.kill(os.getpid(), 9)", "the process ended (-9)"), ("time.sleep(60)", "out of time")],
)
def test_a_rank_that_dies_or_hangs(instead, error):
    text = given()
    text["source"] = text["source"].replace('torch = importlib.import_module("torch")', instead)
    text["settings"]["timeout"] = 2
    found, seconds, _err = ran(text)
    assert [rank["error"] for rank in found["ranks"]] == [error, error]
    assert seconds < 10


def test_ranks_end_with_their_parent():
    text = given()
    text["source"] = text["source"].replace('torch = importlib.import_module("torch")', "time.sleep(60)")
    words = launch.command([sys.executable, "-I"])
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as parent:
        parent.stdin.write(json.dumps(text))
        parent.stdin.close()
        ranks = []
        end = time.monotonic() + 10
        while len(ranks) < 2 and time.monotonic() < end:
            time.sleep(0.05)
            ranks = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        time.sleep(0.5)
        parent.kill()
    assert len(ranks) == 2
    end = time.monotonic() + 5
    while any(alive(pid) for pid in ranks) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in ranks if alive(pid)] == []


def alive(pid):
    """Whether a process runs; one that nobody buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def size(seconds, right=True):
    return {"bytes": 1_000_000, "right": right, "seconds": seconds, "first_s": 1, "times": 5}


def test_the_slowest_rank_counts_and_every_sum_must_be_right():
    ranks = [
        {"rank": 0, "stage": "done", "error": None, "sizes": [size(0.001), size(0.002)]},
        {"rank": 1, "stage": "done", "error": None, "sizes": [size(0.002, right=False)]},
    ]
    found = launch.read("noise\n" + json.dumps({"ranks": ranks, "log": "NCCL version 2.28.9+cuda13.0"}), 4)
    (only,) = found["sizes"]
    assert (only["seconds"], only["right"], only["algbw"], only["busbw"]) == (0.002, False, 0.5, 0.75)
    assert found["transport"]["version"] == "2.28.9"


@pytest.mark.parametrize("out", ["", "Segmentation fault", "{}", "[]", '{"ranks": [1]}'])
def test_output_of_no_use(out):
    assert launch.read(out, 2) is None


def test_counters(tmp_path):
    def write(path, number):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"{number}\n")

    def state(eth0, ib):
        for way in ("tx", "rx"):
            write(f"sys/class/net/eth0/statistics/{way}_bytes", eth0)
            write(f"sys/class/net/lo/statistics/{way}_bytes", 5)
        for way in ("xmit", "rcv"):
            write(f"sys/class/infiniband/mlx5_0/ports/1/counters/port_{way}_data", ib)
        return launch.counters(Files(str(tmp_path)))

    before, after = state(100, 10), state(150, 35)
    assert launch.traffic(before, after) == {"interfaces": {"eth0": 100}, "rdma": {"mlx5_0:1": 200}}


def test_variables_worth_telling():
    names = ["GLOO_SOCKET_IFNAME", "NCCL_IB_HCA", "VLLM_API_KEY", "HOME"]
    assert [launch.is_told(name) for name in names] == [True, True, False, False]
