# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a plan: which, in what order, by digest or id, and what containers see of their host."""

from __future__ import annotations

import json

from .fleets import EXPERTS, planned, service
from .sides import pd
from .test_plan_said import planned as said_and_planned

OFFICIAL, DIGEST, ID = "vllm/vllm-openai:v0.32.0", "sha256:" + "a" * 64, "sha256:" + "b" * 64
RAY = {"executor": "ray", "runtime": "container", "parallel": {"tensor": 8, "pipeline": 2, "data": 1}}


def lock(**images):
    empty = {"services": {}, "software": {}, "models": {}, "drivers": {}, "schema_version": 1}
    return {**empty, "images": images or {OFFICIAL: {"digest": DIGEST, "id": ID}}}


def of(**variables):
    """The images of gpu1, and the unit of its engine."""
    document, refusals = said_and_planned({"hosts": "gpu1", "gpus": 1, "runtime": "container"}, **variables)
    if document is None:
        return refusals.refusals
    part = document["hosts"]["gpu1"]
    return part["images"], next(unit for unit in part["units"] if unit["kind"] == "engine")


def volumes(unit):
    return [unit["exec"][index + 1] for index, word in enumerate(unit["exec"]) if word == "--volume"]


def test_a_mirror_is_part_of_the_name():
    images, unit = of(vllm_image_mirror="mirror:5000/hub")
    assert [item["reference"] for item in images] == [f"mirror:5000/hub/{OFFICIAL}"]
    assert unit["image"] == f"mirror:5000/hub/{OFFICIAL}"


def test_a_lock_names_the_digest_and_an_archive_the_id():
    images, unit = of(vllm_lock=lock())
    assert unit["image"] == f"vllm/vllm-openai@{DIGEST}"
    assert (images[0]["reference"], images[0]["name"], images[0]["digest"]) == (unit["image"], OFFICIAL, DIGEST)
    images, unit = of(vllm_lock=lock(), vllm_image_archive="/srv/vllm.tar")
    assert (unit["image"], images[0]["archive"], images[0]["digest"]) == (ID, "/srv/vllm.tar", None)


def test_an_image_that_the_lock_does_not_hold_is_refused():
    found = of(vllm_lock=lock(**{"other:1": {"digest": DIGEST, "id": ID}}))
    assert [(item.id, item.path, item.value) for item in found] == [("lock-drift", "vllm_services[0].image", OFFICIAL)]


def test_ray_is_added_where_the_image_has_none_and_its_containers_see_each_other():
    document = planned(service(EXPERTS, **RAY), hosts=2)
    for name in ("gpu1", "gpu2"):
        part = document["hosts"][name]
        base, made = part["images"]
        assert (base["name"], base["base"]) == (base["reference"], None)
        assert (made["base"], made["ray"]) == (base["reference"], "2.60.0")
        assert made["reference"].startswith("vllm-cluster/ray:2.60.0-")
        for unit in part["units"]:
            if unit["kind"] in ("engine", "ray"):
                assert unit["image"] == made["reference"]
                assert unit["exec"][unit["exec"].index("--pid") + 1] == "host"
                (folder,) = [item for item in volumes(unit) if "/ray/" in item]
                assert folder == ":".join([folder.partition(":")[0]] * 2)
                shared = [item.partition(":")[0] for item in volumes(unit) if item.startswith("/etc/vllm/groups/")]
                engine = unit["engine"]
                config = [f"/etc/vllm/groups/{engine}.config"] if name == "gpu1" else []  # the head alone has it
                assert shared == [f"/etc/vllm/groups/{engine}.secret", *config]
                before = [words[0] for words in unit["exec_start_pre"]]
                assert before == ["/usr/bin/docker"] + (["/usr/bin/find"] * 2 if unit["kind"] == "ray" else [])
                # Ranks in Ray's container hear vLLM's by sockets, which are in /tmp otherwise.
                assert unit["environment"]["VLLM_RPC_BASE_PATH"] == folder.partition(":")[0]


def test_guards_of_containers_know_it_and_kill_as_soon_as_others():
    for runtime, told in (("container", True), ("env", None)):
        document = planned(service(EXPERTS, **{**RAY, "runtime": runtime}), hosts=2)
        for part in document["hosts"].values():
            (guard,) = [unit for unit in part["units"] if unit["kind"] == "guard"]
            config = json.loads(guard["environment"]["VLLM_GUARD_CONFIG"])
            assert config.get("containers") is told
            assert "kill_after_s" not in config


def test_a_password_of_an_index_matters_where_an_image_is_built():
    secret = {"vllm_python_index_url": "https://reader:pass@mirror.example/simple"}
    images, _unit = of(**secret)
    assert len(images) == 1


def test_a_persons_own_image_is_taken_to_hold_ray():
    document = planned(service(EXPERTS, **RAY, image="mine/ray:1"), hosts=2)
    assert [item["reference"] for item in document["hosts"]["gpu1"]["images"]] == ["mine/ray:1"]


def test_connectors_files_and_folders_are_seen_in_containers():
    document, _refusals = said_and_planned(pd({"connector": "mooncake_store", "memory_gib": 81}, runtime="container"))
    for part in document["hosts"].values():
        for unit in part["units"]:
            if unit["kind"] == "engine":
                assert part["files"]
                assert {f"{item['path']}:{item['path']}:ro" for item in part["files"]} <= set(volumes(unit))
