# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's Ray cluster: who may use it, what it carries between hosts, what it leaves on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testinfra.lab import ROOT

SECRET = "/etc/vllm/groups/group-0.secret"
UNIT = "vllm-group-0-ray.service"
RAY = "/srv/lab/hosts/m1/envs/vllm-0.32.0-cpu/bin/python -m ray.scripts.scripts"  # every host of the lab sees it
DRIVER = RAY.partition(" ")[0] + ' -c \'import ray; ray.init("{}"); print("nodes:", len(ray.nodes()))\''
SCAN = Path(__file__).with_name("environment_of.py").read_text()


@pytest.fixture
def unfenced(lab):
    """Without the host's firewall, where there is one: the token must hold alone."""
    head = lab.host("m1")
    fenced = head.run("nft list table inet vllm_cluster").rc == 0
    if fenced:
        head.check_output("nft delete table inet vllm_cluster")
    yield
    if fenced:
        head.check_output("systemctl restart vllm-fence")


@pytest.fixture
def stranger(lab):
    """A host that is no member runs a command with this token, or with none."""
    host = lab.host("m3")

    def run(command, token=None):
        settings = ""
        if token:
            host.run("umask 077 && printf %s > /root/token", token)
            settings = "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=/root/token "
        return host.run(f"{settings}timeout 90 {command}")

    yield run
    host.run("rm -f /root/token")


@pytest.mark.usefixtures("unfenced")
def test_the_gcs_is_open_with_the_token_alone(lab, stranger):
    command = f"{RAY} status --address {lab.address('m1')}:6379"
    for token in (None, "0" * 64):
        refused = stranger(command, token)
        assert refused.rc != 0
        assert "InvalidAuthToken" in refused.stdout + refused.stderr
    taken = stranger(command, lab.host("m1").file(SECRET).content_string)
    assert taken.rc == 0, taken.stderr
    assert "2.0/2.0 GPU" in taken.stdout


@pytest.mark.usefixtures("unfenced")
def test_drivers_and_clients_without_the_token_get_nowhere(lab, stranger):
    head = lab.address("m1")
    for address in (f"{head}:6379", f"ray://{head}:10001"):
        refused = stranger(DRIVER.format(address))
        assert refused.rc != 0, address
        assert "nodes:" not in refused.stdout


@pytest.mark.usefixtures("unfenced")
def test_the_dashboard_answers_its_own_host_and_the_token(lab, stranger):
    assert lab.ask("m1", 8265, "/api/version")[0] == 0
    assert stranger(f"{RAY} job submit --address http://{lab.address('m1')}:8265 -- hostname").rc != 0
    head = lab.host("m1")
    asked = "curl -s -o /dev/null -w '%{http_code}' "
    assert head.check_output(asked + "http://127.0.0.1:8265/api/v0/nodes") == "401"
    own = head.run(RAY + " job submit --address http://127.0.0.1:8265 -- hostname")
    assert own.rc != 0
    assert "401" in own.stdout + own.stderr or "uthenticat" in own.stdout + own.stderr


def test_no_variable_of_one_host_is_carried_to_another(lab):
    """As the ranks have them now: vLLM puts the head's variables into processes that run already."""
    found = {}
    for name in ("m1", "m2"):
        host = lab.host(name)
        (rank,) = host.check_output("pgrep -f ray::RayWorkerProc").split()
        names = "NCCL_IB_HCA ONLY_M1 RAY_ADDRESS VLLM_API_KEY VLLM_HOST_IP"
        found[name] = set(json.loads(host.check_output("python3 -c %s %s " + names, SCAN, rank)))
    assert found["m1"] >= {"NCCL_IB_HCA=rail_m1", "ONLY_M1=1"}
    assert found["m2"] == {"NCCL_IB_HCA=rail_m2", f"VLLM_HOST_IP={lab.address('m2')}"}


def module(lab, name, **options):
    """What vllm.cluster.ray_status says on a host."""
    words = [str(Path(sys.executable).with_name("ansible")), name, "-i", str(lab.inventory)]
    words += ["--playbook-dir", str(ROOT / "playbooks"), "-m", "vllm.cluster.ray_status", "-a", json.dumps(options)]
    text = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    # The callback tells of a failure in its first line, and leaves it out of the document.
    head, _arrow, document = text.partition(" => ")
    return {**json.loads(document), "failed": "FAILED" in head}


def cluster(lab, *hosts):
    expected = [{"host": host, "address": lab.address(host)} for host in hosts]
    return module(lab, "m1", url="http://127.0.0.1:8265", token_file=SECRET, unit=UNIT, expected=expected)


def test_ray_status_tells_who_is_in(lab):
    found = cluster(lab, "m1", "m2")
    assert not found["failed"], found
    assert [(node["host"], node["head"], node["alive"]) for node in found["nodes"][:2]] == [
        ("m1", True, True),
        ("m2", False, True),
    ]
    assert found["resources"]["GPU"] == {"total": 2, "used": 2, "available": 0, "reserved": 2, "reserved_used": 2}
    assert found["demands"] == []
    assert found["status"]["complete"]


def test_ray_status_names_who_is_not(lab):
    found = cluster(lab, "m1", "m2", "m3")
    assert found["failed"]
    assert f"m3 ({lab.address('m3')}) has not joined" in found["msg"]
    assert "m2" not in found["msg"]


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_only_the_running_session_and_the_last_are_on_disk(lab, name):
    sessions = lab.host(name).check_output("find /var/lib/vllm/ray/group-0 -maxdepth 1 -name 'session_2*'").split()
    assert 1 <= len(sessions) <= 2
    folder = lab.host(name).file("/var/lib/vllm/ray")
    assert (folder.user, folder.mode) == ("vllm", 0o700)


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_metrics_of_ray_are_where_the_plan_says(lab, name):
    text = lab.host("m1").check_output("curl -sS http://%s:6384/metrics", lab.address(name))
    assert "ray_node_cpu_utilization" in text
