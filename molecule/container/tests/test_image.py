# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from a real registry on con1, brought to con2 by playbooks/images.yml: digests, errors, archives, tags."""

from __future__ import annotations

import contextlib

import pytest

REGISTRY = "10.77.47.11:5000"
ABSENT = "sha256:" + "0" * 64
PASSWORD = "pA5s-w0r[d]"  # a pattern that is not in the command that looks for it


@pytest.fixture(scope="module")
def digests(lab):
    """Of the images in the registry, by the mark that converge.yml gave them."""
    names = ("small-one", "small-two", "vllm")
    return {name: lab.host("con1").check_output("cat /srv/%s.digest", name) for name in names}


@pytest.fixture
def host(lab):
    return lab.host("con2")


def bring(lab, image=None, **more):
    """images.yml, for the service on con2 alone. image: another one than the inventory's."""
    extra = {"vllm_image": image, **more} if image else more
    return lab.playbook("images.yml", extra=extra, environment={"CONTAINER_SERVICES": "chat"})


def images(host):
    return sorted(
        host.check_output(
            "docker images --no-trunc --digests --format '{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}'"
        ).splitlines()
    )


@contextlib.contextmanager
def without_registry(lab):
    lab.host("con1").check_output("systemctl stop docker-registry")
    try:
        yield
    finally:
        lab.host("con1").check_output("systemctl start docker-registry")


def test_what_is_there_by_digest_needs_no_registry(lab, host, digests):
    with without_registry(lab):
        again = bring(lab)
    assert again.status == 0, again.output
    assert again.changed("con2") == {"con2": 0}
    known = host.check_output(
        "docker image inspect --format '{{json .RepoDigests}}' %s", f"{REGISTRY}/vllm/vllm-openai-cpu@{digests['vllm']}"
    )
    assert digests["vllm"] in known


def test_a_login_leaves_nothing(host):
    assert not host.file("/root/.docker").exists
    found = host.run(
        "grep -rls %s /etc /root /run /tmp /var/lib/vllm /var/log /var/lib/docker/image /proc/[0-9]*/cmdline",
        PASSWORD,
    )
    assert found.stdout == ""
    assert host.run("journalctl --no-pager | grep %s", PASSWORD).stdout == ""


@pytest.mark.parametrize(
    ("image", "more", "told"),
    [
        (f"{REGISTRY}/lab/small@{ABSENT}", {}, "has no image of this digest"),
        (f"{REGISTRY}/lab/small:none", {}, "has no image of this tag"),
        (f"{REGISTRY}/lab/small:1", {"vllm_image_logins": {}}, "wants a login"),
        (
            f"{REGISTRY}/lab/small:1",
            {"vllm_image_logins": {REGISTRY: {"username": "puller", "password": "wrong"}}},
            "does not take this login",
        ),
        ("10.77.47.11:5999/lab/small:1", {}, "gives no answer"),
    ],
    ids=["digest", "tag", "no-login", "wrong-login", "no-registry"],
)
def test_what_cannot_be_pulled_is_told_and_leaves_nothing(lab, host, image, more, told):
    before = images(host)
    refused = bring(lab, image, **more)
    assert refused.status != 0
    assert told in refused.output
    assert "Fix: " in refused.output
    assert images(host) == before


def test_a_registry_that_spoils_a_layer_is_found_out(lab, host, digests):
    """A byte more in its manifest, as a registry gives it that was tampered with."""
    registry, before = lab.host("con1"), images(host)
    name = registry.check_output("cat /srv/small-two.digest")
    blobs = "/var/lib/docker-registry/docker/registry/v2/blobs/sha256"
    manifest = f"{blobs}/{name[7:9]}/{name[7:]}/data"
    registry.check_output(
        "cp -a %s /srv/kept && sed -i 's/schemaVersion\": 2/schemaVersion\": 2 /' %s", manifest, manifest
    )
    try:
        refused = bring(lab, f"{REGISTRY}/lab/small@{digests['small-two']}")
    finally:
        registry.check_output("mv /srv/kept %s", manifest)
    assert refused.status != 0
    assert "Fix: " in refused.output
    assert images(host) == before


@pytest.mark.by_hand
def test_a_small_disk_is_told_before_the_pull_and_a_full_one_leaves_nothing(lab, host):
    """A second Docker, on a disk of 1 GiB; what it unpacks goes to a smaller one, of which no size is asked."""
    docker = "docker --host unix:///run/small.sock"
    host.check_output("mkdir -p /srv/small && mount -t tmpfs -o size=1g none /srv/small")
    host.check_output("mkdir -p /srv/small/overlay2 && mount -t tmpfs -o size=60m none /srv/small/overlay2")
    host.check_output('echo \'{"insecure-registries": ["10.77.47.0/24"]}\' > /srv/small.json')
    host.check_output(
        "systemd-run --collect --unit=small-docker dockerd --config-file /srv/small.json --data-root /srv/small "
        "--bridge none --host unix:///run/small.sock --iptables=false --exec-root /run/small --pidfile /run/small.pid"
    )
    try:
        host.check_output(f"timeout 30 sh -c 'until {docker} info >/dev/null 2>&1; do sleep 0.2; done'")
        refused = bring(lab, vllm_container_socket="/run/small.sock")
        assert refused.status != 0
        assert "are free there" in refused.output
        full = bring(lab, f"{REGISTRY}/lab/small:1", vllm_container_socket="/run/small.sock")
        assert full.status != 0
        assert "the disk is full" in full.output
        assert host.check_output(f"{docker} images --quiet --all") == ""
        assert int(host.check_output("du -sm /srv/small").split()[0]) < 30
    finally:
        # Docker unmounts what is below its folder when it ends.
        host.check_output("systemctl stop small-docker; umount --lazy --recursive /srv/small")


@pytest.mark.by_hand
def test_an_archive_stands_for_a_registry(lab, host):
    small = f"{REGISTRY}/lab/small:1"
    brought = bring(lab, small)
    assert brought.status == 0, brought.output
    assert brought.changed("con2") == {"con2": 1}
    identity = host.check_output("docker image inspect --format '{{.Id}}' %s", small)
    host.check_output("docker save --output /srv/small.tar %s && docker rmi %s", small, small)
    before = images(host)
    with without_registry(lab):
        wrong = bring(lab, f"{REGISTRY}/lab/other:1", vllm_image_archive="/srv/small.tar")
        assert wrong.status != 0
        assert "nothing of it was kept" in wrong.output
        assert images(host) == before
        loaded = bring(lab, identity, vllm_image_archive="/srv/small.tar")
        assert loaded.status == 0, loaded.output
        assert loaded.changed("con2") == {"con2": 1}
        assert bring(lab, identity, vllm_image_archive="/srv/small.tar").changed("con2") == {"con2": 0}
    assert host.run("docker image inspect %s", identity).rc == 0


@pytest.mark.by_hand
def test_a_tag_moves_only_when_asked_and_old_images_go_by_consent(lab, host, digests):
    small = f"{REGISTRY}/lab/small:1"
    first = host.check_output("docker image inspect --format '{{.Id}}' %s", small)
    registry = lab.host("con1")
    tags = "/var/lib/docker-registry/docker/registry/v2/repositories/lab/small/_manifests/tags"
    registry.check_output("printf %s > %s", digests["small-two"], f"{tags}/1/current/link")
    assert bring(lab, small).changed("con2") == {"con2": 0}
    asked = bring(lab, small, vllm_image_refresh=True)
    assert asked.changed("con2") == {"con2": 1}, asked.output
    assert host.check_output("docker image inspect --format '{{.Id}}' %s", small) != first
    assert bring(lab, small, vllm_image_refresh=True).changed("con2") == {"con2": 0}
    pruned = bring(lab, vllm_image_prune=True)
    assert pruned.changed("con2") == {"con2": 1}, pruned.output
    assert host.run("docker image inspect %s", small).rc != 0
    assert host.check_output("docker ps --quiet --filter name=vllm-chat-0") != ""
