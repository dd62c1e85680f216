# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are downloaded, in the plan: where they go, by which client, and that no two of them meet."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import plan

from tests.unit.plugins.module_utils.planning.clusters import SOURCES
from tests.unit.plugins.module_utils.planning.helpers import ADDRESSES, PROBES, make, parse

COMMIT = "0123456789" * 4
ON_CPU = {"hosts": "cpu1", "accelerator": "cpu"}


def models(document, host="cpu1"):
    return {item["path"].rpartition("/")[2]: item for item in document["hosts"][host]["models"]}


def environments(document, host="cpu1"):
    return [item["name"] for item in document["hosts"][host]["environments"]]


@pytest.mark.parametrize(
    ("source", "kind", "client"),
    [
        ("org/m", "hub", "hf-2.4.0"),
        ("modelscope://org/m", "modelscope", "modelscope-1.40.2"),
        ("s3://bucket/m", "s3", "boto3-1.44.5"),
        ("https://files/m", "web", None),
        ("rsync://files/m/m", "rsync", None),
    ],
)
def test_each_kind_has_its_client(source, kind, client):
    document = make({"name": "a", "model": source, **ON_CPU})
    (item,) = models(document).values()
    assert (item["source"], item["kind"]) == (source, kind)
    assert item["environment"] == (f"/opt/vllm/envs/{client}" if client else None)
    assert environments(document) == ["vllm-0.32.0-cpu", *([client] if client else [])]
    (unit,) = document["hosts"]["cpu1"]["units"]
    assert item["path"] in unit["exec"]
    assert "--revision" not in unit["exec"]
    assert unit["environment"]["HF_HUB_OFFLINE"] == "1"


def test_a_container_host_gets_what_its_vllm_cannot_fetch():
    for source, expected in (("org/m", []), ("modelscope://org/m", ["modelscope-1.40.2"])):
        document = make({"name": "a", "model": source, "hosts": "gpu1", "runtime": "container", "gpus": 1})
        assert environments(document, "gpu1") == expected
        assert len(document["hosts"]["gpu1"]["models"]) == len(expected)


def test_one_source_at_two_revisions_is_two_models():
    document = make(
        {"name": "a", "model": "org/m", **ON_CPU},
        {"name": "b", "model": "org/m", "revision": "v1", **ON_CPU},
        {"name": "c", "model": "org/m", "revision": COMMIT, **ON_CPU},
        {"name": "d", "model": "org/m", "model_include": ["*.json"], **ON_CPU},
        {"name": "e", "model": "org/m", "secrets": {"HF_TOKEN": "hf_x"}, **ON_CPU},
    )
    found = models(document)
    assert list(found)[:3] == ["org--m", "org--m@v1", f"org--m@{COMMIT}"]
    assert len(found) == 4
    assert found["org--m"]["token"] == "e.secrets.HF_TOKEN", "of any of its services"
    assert "hf_x" not in str(document)
    assert environments(document) == ["vllm-0.32.0-cpu", "hf-2.4.0"]


def test_what_is_known_of_one_revision_is_not_believed_of_another():
    services = [
        {"name": "a", "model": "org/m", "revision": "small", "hosts": "gpu1", "gpus": 1},
        {"name": "b", "model": "org/m", "revision": "large", "hosts": "gpu2", "gpus": 1},
    ]
    known = {"org/m@small": SOURCES["org/dense-1b"], "org/m@large": SOURCES["org/dense-8b"]}
    document = plan.plan(parse(*services), PROBES, ADDRESSES, known)
    told = [service["model_summary"]["parameters"] for service in document["services"]]
    assert told[0] != told[1]
    assert None not in told


def test_files_that_are_left_out():
    default = models(make({"name": "a", "model": "org/m", **ON_CPU}))["org--m"]["exclude"]
    assert {"original/*", "onnx/*"} < set(default)
    fleet = models(make({"name": "a", "model": "org/m", **ON_CPU}, vllm_model_exclude=["*.gguf"]))
    assert fleet["org--m"]["exclude"] == ["*.gguf"]
    (own,) = models(make({"name": "a", "model": "org/m", "model_exclude": [], **ON_CPU})).values()
    assert own["exclude"] == []


def test_downloads_beside_the_services():
    document = make(
        {"name": "a", "model": "lab://tiny", "hosts": ["cpu1", "gpu1"], "accelerator": "cpu", "replicas": 2},
        vllm_downloads=[
            {"source": "modelscope://org/talks", "path": "/srv/talks/", "dataset": True, "exclude": ["*.zip"]},
            {"source": "org/draft", "path": "/srv/draft", "revision": "v1", "hosts": "gpu1"},
        ],
    )
    assert set(models(document)) == {"lab--tiny", "talks"}
    found = models(document, "gpu1")
    assert set(found) == {"lab--tiny", "talks", "draft"}
    assert (found["talks"]["path"], found["talks"]["dataset"], found["talks"]["exclude"]) == (
        "/srv/talks",
        True,
        ["*.zip"],
    )
    assert found["draft"]["revision"] == "v1"
    assert {"modelscope-1.40.2", "hf-2.4.0"} < set(environments(document, "gpu1"))


def test_clients_that_name_models_by_other_sources_get_the_service_s_name_alone():
    document = make({"name": "a", "model": "modelscope://org/m", **ON_CPU})
    (unit,) = document["hosts"]["cpu1"]["units"]
    at = unit["exec"].index("--served-model-name")
    assert unit["exec"][at + 1 : at + 2] == ["a"]
    assert "modelscope://org/m" not in unit["exec"]
