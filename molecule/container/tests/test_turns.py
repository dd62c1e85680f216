# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that take the place of others: engines by Ray, which is added to the image; prefill and decode with NIXL."""

from __future__ import annotations

import pytest

from tests.testinfra.contained import Contained
from tests.testinfra.split import Split, bodies

pytestmark = pytest.mark.by_hand
HOSTS = ("con1", "con2")


def deploy(lab, names):
    """site.yml, twice: the second finds nothing to do."""
    turn = {"CONTAINER_SERVICES": names}
    run = lab.playbook("site.yml", extra={"vllm_allow_restart": True}, environment=turn)
    assert run.status == 0, run.output[-3000:]
    again = lab.playbook("site.yml", environment=turn)
    assert again.status == 0, again.output[-3000:]
    assert set(again.changed(*HOSTS).values()) == {0}, again.output[-3000:]
    return run.output


@pytest.fixture(scope="module")
def by_ray(lab):
    deploy(lab, "ray,alone")
    services = lab.variables["container_services"]
    return {"ray": Contained(lab, services["ray"], HOSTS), "alone": Contained(lab, services["alone"], ("con2",))}


@pytest.fixture(scope="module")
def split(lab):
    told = deploy(lab, "split")
    return Split(lab, lab.variables["container_services"]["split"]), told


@pytest.mark.usefixtures("by_ray")
def test_what_is_replaced_leaves_no_container(lab):
    names = {host: lab.host(host).check_output("docker ps --all --format '{{.Names}}'").split() for host in HOSTS}
    assert sorted(names["con1"]) == ["vllm-ray-0", "vllm-ray-0-ray"]
    assert sorted(names["con2"]) == ["vllm-alone-0", "vllm-alone-0-ray", "vllm-ray-0-ray"]


@pytest.mark.usefixtures("by_ray")
def test_ray_came_by_an_image_that_was_built_here(lab):
    image = lab.host("con2").check_output("docker inspect --format '{{.Config.Image}}' vllm-ray-0-ray")
    assert image.startswith("vllm-cluster/ray:2.60.0-")
    base = lab.host("con1").check_output("cat /srv/vllm.digest")
    history = lab.host("con2").check_output("docker image history --no-trunc %s", image)
    assert "ray[default]==2.60.0" in history
    assert base in lab.host("con2").check_output("docker image ls --digests")


@pytest.mark.parametrize(("name", "ranks"), [("ray", [1, 1]), ("alone", [2])])
def test_ranks_of_ray_are_in_its_container(by_ray, name, ranks):
    engine = by_ray[name]
    assert engine.ask(timeout=60)[0] == 200
    assert [len(engine.ranks(host)) for host in engine.hosts] == ranks


@pytest.mark.parametrize("name", ["ray", "alone"])
def test_a_rank_of_ray_killed_takes_the_group_with_it(by_ray, name):
    engine = by_ray[name]
    assert engine.break_and_heal(f"kill -9 {engine.ranks(engine.hosts[-1])[0]}") <= {"member-died"}


def test_a_rank_of_ray_that_stands_still_takes_the_group_with_it(by_ray):
    engine = by_ray["ray"]
    assert engine.break_and_heal(f"kill -STOP {engine.ranks('con2')[0]}") == {"stalled"}


@pytest.mark.usefixtures("by_ray")
def test_ray_leaves_no_more_than_its_last_sessions(lab):
    """Every start of the head makes one: there were several."""
    sessions = lab.host("con1").check_output("ls -d /var/lib/vllm/ray/ray-0/session_2*").split()
    assert len(sessions) <= 2


def test_the_cache_of_prompts_is_brought_from_one_container_to_the_other(split):
    service, told = split
    assert "KV transfer of service split:" in told
    before = service.counts()
    sizes = [service.answer(*body)[1] for body in bodies(47, 4)]
    counts = {name: count - before[name] for name, count in service.counts().items()}
    assert counts["decode brought"] == sum(sizes)


def test_a_killed_prefill_engine_comes_back_and_brings(split):
    service, _told = split
    engine = service.sides["prefill"][0]
    engine.host.check_output("docker kill %s", engine.unit)
    print(f"{engine.unit}: answers again after {engine.wait():.0f} s")
    service.door.wait_for_router("/readiness")
    brought = service.counts()["decode brought"]
    _ids, size = service.answer("/v1/completions", {"prompt": "a bird near the sea " * 30})
    assert service.counts()["decode brought"] == brought + size


@pytest.mark.usefixtures("split")
def test_what_is_stopped_leaves_nothing(lab):
    for name in HOSTS:
        host, left = lab.host(name), "docker ps --all --quiet"
        assert host.check_output(left) != ""
        host.check_output("systemctl stop vllm.target 'vllm-*.service'")  # the target alone waits for nobody
        host.check_output(f"timeout 20 sh -c 'while [ -n \"$({left})\" ]; do sleep 0.5; done'")
        host.check_output("systemctl start vllm.target")
