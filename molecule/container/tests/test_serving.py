# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM in a container on con2, by the digest that the registry gave: it comes back by itself."""

from __future__ import annotations

import time

import pytest

UNIT = "vllm-chat-0"


@pytest.fixture
def host(lab):
    return lab.host("con2")


def ask(lab):
    return lab.completion("con2", 8000, "chat", key=lab.variables["container_services"]["chat"]["api_key"])


def wait(lab, timeout=300):
    """Seconds until a token comes."""
    began = time.monotonic()
    while True:
        status, text = ask(lab)
        if status == 200:
            return time.monotonic() - began
        assert time.monotonic() - began < timeout, text
        time.sleep(1)


def container(host):
    return host.check_output("docker ps --no-trunc --quiet --filter name=%s", UNIT)


def test_it_runs_by_digest(lab, host):
    image = host.check_output("docker inspect --format '{{.Config.Image}}' %s", UNIT)
    assert image.endswith(lab.host("con1").check_output("cat /srv/vllm.digest"))
    assert ask(lab)[0] == 200


def test_its_log_is_in_the_journal_and_in_no_file(host):
    assert "Application startup complete" in host.check_output(f"journalctl --no-pager --unit={UNIT}")
    assert host.check_output("docker inspect --format '{{.HostConfig.LogConfig.Type}}' %s", UNIT) == "none"


def test_it_comes_back_when_its_process_is_killed(lab, host):
    before = container(host)
    process = host.check_output("docker inspect --format '{{.State.Pid}}' %s", UNIT)
    host.check_output("kill -9 %s", process)
    time.sleep(1)
    print(f"serves again after {wait(lab):.0f} s")
    assert container(host) != before


@pytest.mark.by_hand
def test_it_comes_back_when_docker_is_restarted(lab, host):
    before = container(host)
    host.check_output("systemctl restart docker")
    print(f"serves again after {wait(lab):.0f} s")
    assert container(host) != before
    assert host.check_output("docker ps --quiet --all --filter name=%s | wc -l", UNIT) == "1"
