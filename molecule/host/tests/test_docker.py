# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's own packages from a repository of Docker's layout that the scenario makes and signs. A real daemon runs.

In order: a test may build on the state that the one before left.
"""

from __future__ import annotations

import json
import re

import pytest

FULL = "5:28.5.1-1~debian.12~bookworm"
DIST = "/srv/docker-ce/www/linux/debian/dists/bookworm"
PACKAGES = f"{DIST}/stable/binary-amd64/Packages"
LISTS = "/var/lib/apt/lists/127.0.0.1:8099_linux_debian_*"


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("hst3")


def prepare(lab, *arguments, **settings):
    extra = {f"vllm_container_engine_{name}": value for name, value in settings.items()}
    words = ("--limit", "hst3", "--tags", "container_engine", *arguments)
    return lab.playbook("prepare.yml", *words, extra=extra)


def refusal(run):
    assert run.status != 0
    assert "Traceback" not in run.output
    return " ".join(run.output.partition("[ERROR]")[2].partition("PLAY RECAP")[0].split())


def info(host):
    return json.loads(host.check_output("docker info --format '{{json .}}'"))


def test_the_written_version_is_there_held_and_works(host):
    assert host.check_output("dpkg-query --show --showformat='${Version}' docker-ce") == FULL
    held = set(host.check_output("apt-mark showhold").split())
    assert held == {"containerd.io", "docker-buildx-plugin", "docker-ce", "docker-ce-cli", "docker-compose-plugin"}
    upgrade = host.check_output("apt-get --simulate dist-upgrade --ignore-hold")
    assert not re.search(r"^Inst (docker|containerd)", upgrade, re.MULTILINE)
    assert host.service("docker").is_running


def test_the_daemon_runs_with_the_settings(host):
    found = info(host)
    assert found["DockerRootDir"] == "/srv/docker-data"
    assert found["RegistryConfig"]["Mirrors"] == ["http://127.0.0.1:5999/"]
    assert found["LiveRestoreEnabled"] is False


def test_a_container_outlives_what_needs_no_restart_and_the_rest_asks(lab, host):
    host.check_output(
        "tar --create --dereference /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') | docker import - tiny"
    )
    host.check_output("docker run --detach --name guest --network none tiny /bin/sleep 3600")
    host.check_output("""docker inspect guest --format '{{json .HostConfig.LogConfig}}' | grep '"max-file":"3"'""")
    assert "12000" in host.check_output("cat /proc/$(docker inspect guest --format {{.State.Pid}})/limits | grep files")
    two = ["http://127.0.0.1:5999", "http://127.0.0.1:5998"]
    run = prepare(lab, registry_mirrors=two, live_restore="on")
    assert run.status == 0
    assert len(info(host)["RegistryConfig"]["Mirrors"]) == 2
    assert info(host)["LiveRestoreEnabled"] is True
    assert host.check_output("docker inspect guest --format {{.State.Running}}") == "true"
    told = refusal(prepare(lab, registry_mirrors=two, live_restore="on", daemon={"debug": True, "bip": "10.9.0.1/24"}))
    assert "vllm_container_engine_interrupt = False: the engine has to be restarted, which stops its 1 running" in told
    assert "bip" not in host.file("/etc/docker/daemon.json").content_string
    told = refusal(prepare(lab, registry_mirrors=two, live_restore="on", version="29.0.0"))
    assert "vllm_container_engine_interrupt = False" in told
    host.check_output("docker rm --force guest")


def test_settings_that_end_the_daemon_are_taken_back(lab, host):
    before = host.file("/etc/docker/daemon.json").content_string
    told = refusal(prepare(lab, live_restore="on", daemon={"no-such-setting": True}, timeout_s=5))
    assert "The container engine of hst3 does not answer" in told
    assert "no-such-setting" in told
    assert host.file("/etc/docker/daemon.json").content_string == before
    assert info(host)["DockerRootDir"] == "/srv/docker-data"


def test_a_wrong_key_and_a_broken_index_bring_nothing(lab, host):
    host.check_output("apt-get purge --yes --allow-change-held-packages docker-compose-plugin")
    right = host.file("/srv/docker-ce/fingerprint").content_string
    told = refusal(prepare(lab, key_fingerprint="AB" * 20))
    assert f"the key's fingerprint is {right}, and {'AB' * 20} is trusted. Nothing was written" in told
    try:
        host.check_output(f"cp {PACKAGES} /root/Packages && echo >> {PACKAGES} && rm -f {LISTS}")
        assert re.search(r"File has unexpected size|Hash Sum mismatch", refusal(prepare(lab)))
    finally:
        host.check_output(f"cp /root/Packages {PACKAGES}")
    assert not host.package("docker-compose-plugin").is_installed
    assert prepare(lab).status == 0
    assert host.package("docker-compose-plugin").is_installed
    assert prepare(lab).changed("hst3") == {"hst3": 0}


@pytest.fixture
def distributions(host):
    """The distribution's Docker, with its owner's settings, and a container that runs."""
    host.check_output(
        "apt-get purge --yes --allow-change-held-packages 'docker-*' containerd.io; rm -rf /srv/docker-data"
        " /etc/apt/preferences.d/vllm-docker.pref /etc/apt/sources.list.d/vllm-*; mkdir -p /etc/docker; apt-get update"
    )
    own = json.dumps({"data-root": "/srv/docker-data", "shutdown-timeout": 7})
    host.check_output("printf %%s %s > /etc/docker/daemon.json", own)
    host.check_output("DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends docker.io")
    host.check_output(
        "tar --create --dereference /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') | docker import - tiny"
    )
    return host.check_output("docker run --detach --name guest --network none tiny /bin/sleep 3600")


def test_the_distributions_docker_is_replaced_with_consent_alone(lab, host, distributions):
    """The imitation's docker-ce is Debian's daemon under Docker's names: what is tried is the way to it."""
    packages = (
        "dpkg-query --show --showformat='${Package} ${Version}\\n' 'docker*' 'containerd*' runc 2>/dev/null; true"
    )
    files = "md5sum /etc/docker/daemon.json; ls /etc/apt/sources.list.d /etc/apt/preferences.d"
    before = [host.check_output(command) for command in (packages, files)]
    assert "docker.io" in before[0]
    told = refusal(prepare(lab))
    assert "docker.io, containerd, runc of the distribution cannot stay beside it; images and containers stay" in told
    assert "Fix: -e vllm_container_engine_replace=true" in told
    assert "which stops its 1 running containers (guest). Fix: stop them, or -e vllm_container_engine_interrupt" in told
    assert [host.check_output(command) for command in (packages, files)] == before
    assert host.check_output("docker inspect guest --format '{{.Id}} {{.State.Running}}'") == f"{distributions} true"
    run = prepare(lab, replace=True, interrupt=True)
    assert run.status == 0
    assert not host.package("docker.io").is_installed
    assert host.check_output("dpkg-query --show --showformat='${Version}' docker-ce") == FULL
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert (settings["shutdown-timeout"], settings["data-root"]) == (7, "/srv/docker-data")
    assert settings["registry-mirrors"] == ["http://127.0.0.1:5999"]
    assert info(host)["RegistryConfig"]["Mirrors"] == ["http://127.0.0.1:5999/"]
    # Its images and containers are there; the container ended with the engine that ran it.
    assert host.check_output("docker start guest") == "guest"
    assert host.check_output("docker inspect guest --format '{{.Id}} {{.State.Running}}'") == f"{distributions} true"
    again = prepare(lab)
    assert (again.status, again.changed("hst3")) == (0, {"hst3": 0})
    host.check_output("docker rm --force guest")


def test_what_check_mode_says_on_a_bare_host_is_what_comes(lab, host):
    host.check_output(
        "apt-get purge --yes --allow-change-held-packages 'docker-*' containerd.io numactl; rm -rf /etc/docker"
        " /etc/apt/preferences.d/vllm-docker.pref /etc/apt/sources.list.d/vllm-* /etc/sysctl.d/90-vllm.conf"
    )
    words = ("--limit", "hst3", "--skip-tags", "host_names,host_fence")
    files = "find /etc -newer /etc/hostname -type f | sort | xargs md5sum"
    before = host.check_output(files)
    check = lab.playbook("prepare.yml", "--check", *words)
    assert check.status == 0
    assert host.check_output(files) == before
    for said in (
        "install numactl",
        "install docker-ce=5:28.5.1-*",
        "write /etc/docker/daemon.json",
        "name the repository",
    ):
        assert said in check.output
    real = lab.playbook("prepare.yml", *words)
    assert real.status == 0
    assert host.package("numactl").is_installed
    assert host.check_output("dpkg-query --show --showformat='${Version}' docker-ce") == FULL
    assert host.file("/etc/sysctl.d/90-vllm.conf").exists
    for again in (("--check",), ()):
        assert lab.playbook("prepare.yml", *again, *words).changed("hst3") == {"hst3": 0}
