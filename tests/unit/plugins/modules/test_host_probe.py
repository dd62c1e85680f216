# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.vllm.cluster.plugins.module_utils.models import tiny

from tests.unit.plugins.fake_smi import HANGS, calls_of, program

MODULE = Path(__file__).resolve().parents[4] / "plugins" / "modules" / "host_probe.py"


@pytest.fixture
def probe(run_module):
    """What the module finds. smi: text of a program to stand where nvidia-smi would. Others: by their name."""

    def run(smi=None, docker="#!/bin/sh\nexit 1\n", **arguments):
        programs = {"docker": docker, **({"nvidia-smi": smi} if smi else {})}
        return run_module("host_probe", programs, **arguments)["probe"]

    return run


def test_a_machine_without_gpus(probe):
    found = probe()
    assert (found["gpus"], found["driver"], found["cuda"], found["peermem"]) == ([], "absent", None, None)
    assert (found["gpu_diagnosis"], found["gpu_warnings"], found["network_warnings"]) == ([], [], [])
    assert found["cpus"] == len(os.sched_getaffinity(0))
    assert found["memory_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < found["memory_available_bytes"] < found["memory_bytes"]
    assert (found["machine"], found["kernel"]) == (os.uname().machine, os.uname().release)
    assert found["hostname"] == socket.gethostname()
    assert (found["images"], found["routes"], found["pythons"], found["environments"]) == (None, {}, {}, {})


def test_the_document_is_what_return_says(probe):
    text = MODULE.read_text()
    returned = yaml.safe_load(text.partition('RETURN = r"""')[2].partition('"""')[0])["probe"]["contains"]
    found = probe()
    assert set(found) == set(returned)
    loopback = next(item for item in found["interfaces"] if item["name"] == "lo")
    assert set(loopback) == set(returned["interfaces"]["contains"])
    assert (loopback["kind"], loopback["addresses"][0]) == ("loopback", "127.0.0.1/8")
    types = {"int": int, "str": str, "list": list, "dict": dict, "bool": bool, "raw": (int, str)}
    for key, value in found.items():
        assert value is None or isinstance(value, types[returned[key]["type"]]), key


def test_a_listener_and_its_owner(probe):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (entry,) = [item for item in probe()["listeners"] if item["port"] == port]
    assert entry["address"] == "127.0.0.1"
    assert entry["pid"] == os.getpid()
    assert port not in [item["port"] for item in probe()["listeners"]]


def test_paths(probe, tmp_path):
    model, empty, plain = tmp_path / "model", tmp_path / "empty", tmp_path / "plain"
    model.mkdir()
    empty.mkdir()
    plain.touch()
    for name, content in tiny.model_files(tiny.DEFAULT_SEED).items():
        (model / name).write_bytes(content)
    paths = [str(path) for path in (model, empty, plain, tmp_path / "gone" / "too")]
    found = probe(paths=paths)["paths"]
    assert [(found[path]["exists"], found[path]["directory"], found[path]["model"]) for path in paths] == [
        (True, True, True),
        (True, True, False),
        (True, False, False),
        (False, False, False),
    ]
    assert all(item["free_bytes"] > 0 and item["filesystem"] for item in found.values())
    facts = found[paths[0]]["facts"]
    assert json.loads(facts["config"])["architectures"]
    assert facts["tensor_bytes"] > 0
    assert (facts["quantization"], facts["problems"]) == (None, [])
    assert [found[path]["facts"] for path in paths[1:]] == [None] * 3


def test_gpus(probe, tmp_path):
    found = probe(program(tmp_path, pid=os.getpid()))
    assert (found["driver"], found["driver_error"], found["cuda"]) == ("580.95.05", None, "13.0")
    assert [gpu["index"] for gpu in found["gpus"]] == list(range(8))
    first = found["gpus"][0]
    assert (first["memory_bytes"], first["compute_capability"]) == (81559 * 2**20, "9.0")
    assert (first["processes"][0]["pid"], first["processes"][0]["unit"]) == (os.getpid(), None)
    assert found["nvlink_groups"] == found["cliques"] == [list(range(8))]
    assert (len(found["links"]), len(found["nics"]), found["peermem"]) == (28, 9, False)
    assert (found["gpu_warnings"], found["gpu_diagnosis"]) == ([], [])


@pytest.mark.parametrize(
    ("smi", "error", "diagnosis"),
    [
        (HANGS, "no answer in 1 seconds", "timeout"),
        ("#!/bin/sh\necho no driver >&2; exit 9\n", "no driver", "driver_not_loaded"),
        ("#!/bin/sh\nexit 9\n", "exit status 9", "driver_not_loaded"),
        ("#!/bin/sh\necho No devices were found\n", "No devices were found", "no_devices"),
    ],
)
def test_a_driver_that_hangs_or_fails_is_a_fact_and_soon(probe, smi, error, diagnosis):
    started = time.monotonic()
    found = probe(smi, timeout=1)
    assert time.monotonic() - started < 15
    assert found["driver"] == "failing"
    assert found["driver_error"] == error
    assert found["gpus"] == []
    assert [item["id"] for item in found["gpu_diagnosis"]] == [diagnosis]


def test_after_a_call_that_hangs_no_other_is_made(probe, tmp_path):
    found = probe(program(tmp_path, topo="exec sleep 60"), timeout=1)
    assert calls_of(tmp_path).read_text().splitlines() == ["-q -x", "topo -m"]
    assert (len(found["gpus"]), found["driver"], found["links"]) == (8, "580.95.05", [])
    assert [item["id"] for item in found["gpu_diagnosis"]] == ["timeout"]


def test_routes_to_peers(probe):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.5", 9))
        source = udp.getsockname()[0]
    found = probe(peers=["127.0.0.5", "255.255.255.254"])["routes"]
    assert found["127.0.0.5"] == {"interface": "lo", "source": source}


@pytest.mark.parametrize("peer", ["gpu1", "10.0.0.1\nlink delete lo", "fe80::1%lo\nlink delete lo", "", "10.0.0.1/24"])
def test_a_peer_that_is_no_address_is_refused(run_module, peer):
    result = run_module("host_probe", peers=["10.0.0.1", peer])
    assert result["failed"]
    assert result["msg"].startswith("peers: ")


DOCKER = """#!/bin/sh
case "$1 $2" in
  "version --format") echo 26.1.4 ;;
  "image ls") printf 'sha256:aa\\nsha256:bb\\nsha256:aa\\n' ;;
  "image inspect") test "$5 $6" = "sha256:aa sha256:bb" || exit 1
    echo '["sha256:aa",7,["vllm/vllm-openai:v0.33.0"],["vllm/vllm-openai@sha256:cc"]]'; echo '["sha256:bb",5,[],null]'
    echo gone >&2; exit 1 ;;
esac
"""


def test_images(probe):
    found = probe(docker=DOCKER, images=True)
    assert found["engine_container"] == {"name": "docker", "version": "26.1.4"}
    assert found["images"] == [
        {"name": "vllm/vllm-openai:v0.33.0", "id": "sha256:aa", "size_bytes": 7},
        {"name": "vllm/vllm-openai@sha256:cc", "id": "sha256:aa", "size_bytes": 7},
    ]
    assert probe(docker=DOCKER)["images"] is None


def test_a_daemon_that_does_not_answer_is_asked_once(probe, tmp_path):
    assert probe(images=True)["engine_container"] == {"name": "docker", "version": None}
    calls = tmp_path / "calls"
    found = probe(docker=f"#!/bin/sh\necho x >> {calls}\nexec sleep 60\n", images=True, timeout=1)
    assert (found["engine_container"]["version"], found["images"]) == (None, None)
    assert calls.read_text() == "x\n"


def test_pythons_and_environments(probe, tmp_path):
    (tmp_path / "bad").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "bad").chmod(0o755)
    names = ["/usr/bin/python3", str(tmp_path / "bad"), str(tmp_path / "gone")]
    environment = tmp_path / "environment"
    for name in ("vllm-0.33.0.dist-info", "torch-2.14.0+cu130.dist-info"):
        (environment / "lib" / "python3.12" / "site-packages" / name).mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.12.3\n")
    found = probe(pythons=names, environments=[str(environment), str(tmp_path / "gone")])
    assert [version and version[:2] for version in found["pythons"].values()] == ["3.", None, None]
    assert found["environments"] == {
        str(environment): {"python": "3.12.3", "vllm": "0.33.0", "ray": None, "torch": "2.14.0+cu130", "nccl": None},
        str(tmp_path / "gone"): None,
    }


def test_check_mode_does_the_same(run_module):
    assert run_module("host_probe", _ansible_check_mode=True)["changed"] is False
