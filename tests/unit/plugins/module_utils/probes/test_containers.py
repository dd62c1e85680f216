# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.probes.containers import Docker


def test_no_docker(host):
    docker = Docker(host())
    assert (docker.engine(), docker.images(), docker.containers()) == (None, None, {})


def test_running_containers(host):
    docker = Docker(
        host(docker='test "$*" = "ps --no-trunc --format {{.ID}} {{.Names}}" && echo "aa vllm-x-0,link/alias"')
    )
    assert docker.containers() == {"aa": "vllm-x-0"}


def test_a_host_without_images(host):
    commands = host(docker="exit 0")
    assert Docker(commands).images() == []
    assert len(commands.module.ran) == 1


def test_a_daemon_that_hangs_is_asked_once(host):
    commands = host(timeout=1, docker="exec sleep 30")
    docker = Docker(commands)
    assert (docker.engine(), docker.images(), docker.containers()) == ({"name": "docker", "version": None}, None, {})
    assert len(commands.module.ran) == 1
