# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a host's container engine, and what is refused."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.container_engine import decide, packages, settings

FULL = "5:28.5.1-1~debian.12~bookworm"
CE = {
    "docker-ce": FULL,
    "docker-ce-cli": FULL,
    "containerd.io": "1.7.28-1~debian.12~bookworm",
    "docker-buildx-plugin": "0.29.1-1",
    "docker-compose-plugin": "2.40.0-1",
}
STOCK = {"docker.io": "20.10.24+dfsg1-1", "containerd": "1.6.20", "runc": "1.1.5"}
BARE = {
    "os": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12", "codename": "bookworm"},
    "machine": "x86_64",
    "family": "debian",
    "packages": {},
    "held": [],
    "sources": {},
    "named": False,
    "pin": "",
    "program": None,
    "version": None,
    "running": [],
    "systemd": True,
    "ours": False,
    "settings": None,
}
RUNNING = {**BARE, "program": "/usr/bin/dockerd", "version": "28.5.1"}
HELD = {**RUNNING, "packages": CE, "held": sorted(CE), "named": True}
OPTIONS = {
    "state": "started",
    "source": "docker-ce",
    "package": "docker.io",
    "version": "",
    "containerd_version": "",
    "base_url": "https://mirror/linux/",
    "key_fingerprint": "",
    "hold": True,
    "replace": False,
    "interrupt": False,
    "daemon": {},
    "daemon_path": "/etc/docker/daemon.json",
}


def decided(found, **options):
    plan, problems = decide.decide({**OPTIONS, **options}, found)
    return plan, [str(problem) for problem in problems]


def test_a_bare_host_gets_dockers_packages():
    plan, problems = decided(BARE, version="28.5.1", containerd_version="1.7.28")
    assert problems == []
    assert plan.packages[:3] == ["docker-ce=5:28.5.1-*", "docker-ce-cli=5:28.5.1-*", "containerd.io=1.7.28-*"]
    (repository,) = plan.repositories
    assert repository["url"] == "https://mirror/linux/debian/"
    assert (repository["suites"], repository["components"]) == (["bookworm"], ["stable"])
    assert repository["key_url"] == "https://mirror/linux/debian/gpg"
    assert "Pin: version 5:28.5.1-*\n" in plan.pin
    assert plan.daemon == "start"


def test_what_is_there_is_pinned_and_held_and_then_left_alone():
    plan, _problems = decided({**HELD, "held": []})
    assert plan.hold == sorted(CE)
    assert f"Pin: version {FULL}\n" in plan.pin
    again, problems = decided({**HELD, "pin": plan.pin})
    assert (again.steps, again.daemon, problems) == ([], "keep", [])
    assert decided({**HELD, "pin": plan.pin}, version="28.5.1")[0].steps == []


def test_another_version_lets_go_first_and_asks_where_containers_run():
    plan, problems = decided({**HELD, "running": ["a", "b"]}, version="29.0.0")
    assert plan.packages == ["docker-ce=5:29.0.0-*", "docker-ce-cli=5:29.0.0-*"]
    assert plan.unhold == sorted(CE)
    (told,) = problems
    assert told.startswith(
        "vllm_container_engine_interrupt = False: the engine has to be restarted, which stops its 2 "
    )
    assert decided({**HELD, "running": ["a"]}, version="29.0.0", interrupt=True)[1] == []


def test_the_distributions_packages_go_with_consent():
    there = {**RUNNING, "packages": STOCK}
    plan, (told,) = decided(there)
    assert plan.remove == ["docker.io", "containerd", "runc"]
    assert "vllm_container_engine_replace = False: docker.io, containerd, runc of the distribution cannot stay" in told
    assert decided(there, replace=True)[1] == []


def test_a_repository_that_the_host_names_already_is_left_to_its_file():
    there = {**BARE, "sources": {"docker.list": ["https://mirror/linux/debian"]}}
    assert decided(there)[0].repositories == []


@pytest.mark.parametrize(
    ("os", "url"),
    [
        ({"id": "rocky", "version": "9.4"}, "https://mirror/linux/centos/9/x86_64/stable"),
        ({"id": "rhel", "version": "10.0"}, "https://mirror/linux/rhel/10/x86_64/stable"),
    ],
)
def test_the_repository_of_the_rhel_family(os, url):
    found = packages.repository(
        {**BARE, "os": {**os, "codename": None}, "family": "redhat"}, "https://mirror/linux", ""
    )
    assert found["url"] == url


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (BARE, {"source": "existing"}, "no engine is on the host. Fix: say docker-ce or distribution"),
        (
            {**BARE, "family": "redhat"},
            {"source": "distribution"},
            "this distribution has no Docker. Fix: say docker-ce",
        ),
        ({**BARE, "os": {"id": "arch", "version": None, "name": "Arch", "codename": None}}, {}, "no packages for Arch"),
        (RUNNING, {}, "/usr/bin/dockerd is of no package. Fix: remove it, or say existing"),
        ({**RUNNING, "packages": {"podman-docker": "4"}}, {"source": "existing"}, "podman answers in Docker's place"),
        (
            {**HELD, "settings": "{"},
            {},
            "vllm_container_engine_daemon_path = /etc/docker/daemon.json: is not valid JSON",
        ),
        ({**HELD, "settings": "[]"}, {}, "is not a JSON object"),
        (
            {**RUNNING, "systemd": False},
            {"source": "existing", "daemon": {"debug": True}},
            "was started by hand and not by systemd or this role",
        ),
    ],
)
def test_what_cannot_work_is_refused(found, options, message):
    assert any(message in told for told in decided(found, **options)[1])


def test_an_engine_that_answers_is_left_alone_whoever_installed_it():
    for source in ("existing", "distribution"):
        plan, problems = decided({**RUNNING, "packages": STOCK}, source=source)
        assert (plan.steps, problems) == ([], [])
    plan, _problems = decided(BARE, source="distribution")
    assert (plan.packages, plan.daemon) == (["docker.io"], "start")


@pytest.mark.parametrize(
    ("wanted", "daemon"),
    [
        ({"registry_mirrors": ["http://m"]}, "reload"),
        ({"live_restore": "on"}, "reload"),
        ({"data_root": "/srv/docker"}, "restart"),
        ({"log": {"max-size": "10m"}}, "restart"),
        ({"daemon": {"runtimes": {"nvidia": {"path": "x"}}}}, "restart"),
    ],
)
def test_what_the_daemon_takes_over_by_itself_restarts_nothing(wanted, daemon):
    plan, problems = decided({**RUNNING, "running": ["a"]}, source="existing", **wanted)
    assert plan.daemon == daemon
    assert bool(problems) is (daemon == "restart")


def test_settings_are_merged_and_others_stay():
    there = {"debug": True, "registry-mirrors": ["http://a"], "log-opts": {"tag": "t"}}
    wanted = settings.wanted(
        {
            "registry_mirrors": ["http://b"],
            "log": {"max-file": 3},
            "ulimits": {"memlock": -1},
            "live_restore": "off",
            "daemon": {"debug": False},
        }
    )
    assert settings.merged(there, wanted) == {
        "debug": False,
        "registry-mirrors": ["http://a", "http://b"],
        "log-opts": {"tag": "t", "max-file": "3"},
        "default-ulimits": {"memlock": {"Name": "memlock", "Soft": -1, "Hard": -1}},
        "live-restore": False,
    }
    plan, _problems = decided({**RUNNING, "settings": json.dumps(there)}, source="existing", daemon={"debug": True})
    assert plan.settings is None


def test_an_engine_of_somebody_else_is_not_stopped():
    assert decided({**RUNNING, "running": ["a"]}, state="stopped")[0].steps == []
    plan, problems = decided({**RUNNING, "ours": True, "running": ["a"]}, state="stopped")
    assert (plan.daemon, len(problems)) == ("stop", 1)
