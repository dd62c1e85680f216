# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_probe on a real host: what it tells, and how long it works there."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testinfra.lab import ROOT

FOLDER = "/tmp/host-probe-timing"
MOST_SECONDS = 1.0


@pytest.fixture(scope="module")
def probe(lab):
    """What the module says of m1. The program that Ansible made of it stays on the host, until the tests are over."""
    words = [str(Path(sys.executable).with_name("ansible")), "m1", "-i", str(lab.inventory), "-e"]
    words += [
        f"ansible_remote_tmp={FOLDER}",
        "--playbook-dir",
        str(ROOT / "playbooks"),
        "-m",
        "vllm.cluster.host_probe",
    ]
    arguments = {"pythons": ["/usr/bin/python3"], "peers": [lab.address("m2")], "paths": ["/var/lib/vllm/models"]}
    lab.host("m1").run("rm -rf %s", FOLDER)
    done = subprocess.run(
        [*words, "-m", "vllm.cluster.host_probe", "-a", json.dumps(arguments)],
        env={**os.environ, "ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    yield json.loads(done.stdout.partition("=>")[2])["probe"]
    lab.host("m1").run("rm -rf %s", FOLDER)


def test_the_probe_tells_what_the_host_is(lab, probe):
    host = lab.host("m1")
    assert probe["hostname"] == host.check_output("hostname")
    assert probe["driver"] == "absent"
    assert probe["pythons"]["/usr/bin/python3"] in host.check_output("/usr/bin/python3 --version")
    addresses = {a.split("/")[0]: item["name"] for item in probe["interfaces"] for a in item["addresses"]}
    own = addresses[lab.address("m1")]
    assert probe["routes"][lab.address("m2")] == {"interface": own, "source": lab.address("m1")}
    assert probe["paths"]["/var/lib/vllm/models"]["free_bytes"] > 0
    listening = {(item["port"], item["unit"]) for item in probe["listeners"]}
    assert (8000, "vllm-chat-0.service") in listening


def test_the_probe_works_less_than_a_second(lab, probe):  # noqa: ARG001 - it is there once the fixture has run
    host = lab.host("m1")
    (program,) = host.check_output("find %s -name 'AnsiballZ_host_probe.py'", FOLDER).split()
    # On the host's clock, so that SSH does not count. Bash prints microseconds.
    timed = "start=$EPOCHREALTIME; /usr/bin/python3 %s >/dev/null; echo $((${EPOCHREALTIME/./} - ${start/./}))"
    seconds = [int(host.check_output(f"bash -c '{timed}'", program)) / 1e6 for _try in range(3)]
    assert statistics.median(seconds) < MOST_SECONDS, seconds
