# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of models: from whom, and who comes first."""

from __future__ import annotations

import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning import intent
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.plugin_utils import model_files, model_sources

SAVED = {"config": '{"from": "file"}', "quantization": None, "tensor_bytes": 3, "problems": []}
PROBED = {"config": '{"from": "host"}', "quantization": None, "tensor_bytes": 2, "problems": []}


def parse(*services, endpoint="", **fleet):
    items = [{"name": f"s{place}", "hosts": "gpu1", **item} for place, item in enumerate(services)]
    variables = {"vllm_services": items, "vllm_hub_endpoint": endpoint, **fleet}
    return intent.parse(variables, lambda pattern: [pattern])


def probed(path, *facts):
    known = facts[0] if facts else PROBED
    return {"gpu1": {"paths": {path: {"exists": True, "directory": True, "model": True, "facts": known}}}}


@pytest.fixture
def config(tmp_path):
    (tmp_path / "config.json").write_text('{"from": "controller"}')
    return tmp_path


def test_a_written_config_comes_before_the_host_and_the_host_before_the_file(config):
    wanted = parse({"model": "/data/m"})
    assert model_sources.collect(wanted, {"gpu1": None}, {"/data/m": SAVED}).sources == {"/data/m": SAVED}
    assert model_sources.collect(wanted, probed("/data/m"), {"/data/m": SAVED}).sources == {"/data/m": PROBED}
    wanted = parse({"model": "/data/m", "model_config": str(config)})
    sources = model_sources.collect(wanted, probed("/data/m"), {"/data/m": SAVED}).sources
    assert json.loads(sources["/data/m"]["config"]) == {"from": "controller"}


def test_a_downloaded_model_of_the_hub_is_known_from_its_directory():
    path = "/var/lib/vllm/models/org--m"
    assert model_sources.collect(parse({"model": "org/m"}), probed(path), {}).sources == {"org/m": PROBED}


@pytest.mark.parametrize("facts", [None, {"config": None}])
def test_a_directory_without_facts_tells_nothing(facts):
    found = model_sources.collect(parse({"model": "/data/m"}), probed("/data/m", facts), {})
    assert (found.sources, found.unread) == ({}, {})


def test_only_what_is_unknown_is_asked_of_the_hub(hub):
    hub.serve("org/new", {"config.json": '{"from": "hub"}'})
    wanted = parse(
        {"model": "org/known"},
        {"model": "org/new"},
        {"model": "org/new", "secrets": {"HF_TOKEN": "hf_x"}},
        {"model": "org/none"},
        {"model": "lab://tiny"},
        {"model": "/data/m"},
        endpoint=hub.url,
    )
    found = model_sources.collect(wanted, {"gpu1": None}, {"org/known": SAVED})
    assert list(found.sources) == ["org/known", "org/new"]
    assert found.unread == {"org/none": "HTTP 404, no such model or revision: correct the name"}
    assert {path.split("/")[2] for path, _token in hub.seen} == {"new", "none"}
    assert {token for path, token in hub.seen if "/new/" in path} == {"Bearer hf_x"}


def test_no_endpoint_asks_nobody():
    found = model_sources.collect(parse({"model": "org/m"}), {"gpu1": None}, {})
    assert (found.sources, found.unread) == ({}, {})


def test_an_endpoint_that_is_no_address_is_refused():
    with pytest.raises(PlanError, match=r"vllm_hub_endpoint = 'file:///etc': is no HTTP address \[hub-endpoint\]"):
        model_sources.collect(parse({"model": "org/m"}, endpoint="file:///etc"), {}, {})


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (None, "does not exist on the controller"),
        ("", "config.json is no JSON"),
        ("[]", "config.json holds no mapping"),
        (" " * (2**20 + 1), "is longer than 1048576 bytes"),
    ],
)
@pytest.mark.parametrize("named", ["directory", "file"])
def test_a_written_config_that_tells_nothing_is_refused(tmp_path, content, rule, named):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    path = tmp_path if named == "directory" else tmp_path / "config.json"
    with pytest.raises(PlanError) as refused:
        model_sources.collect(parse({"model": "org/m", "model_config": str(path)}), {}, {})
    (refusal,) = refused.value.refusals
    assert (refusal.id, refusal.path, refusal.value) == (
        "model-config-file",
        "vllm_services[0].model_config",
        str(path),
    )
    assert rule in refusal.rule


def test_the_files_beside_a_config_are_read_too(config):
    (config / "hf_quant_config.json").write_text('{"quantization": {}}')
    head = '{\n  "metadata": {\n    "total_size": 123\n  },\n  "weight_map": {' + '"w": "f",' * 100_000
    (config / "model.safetensors.index.json").write_text(head)
    expected = {
        "config": '{"from": "controller"}',
        "quantization": '{"quantization": {}}',
        "tensor_bytes": 123,
        "problems": [],
    }
    assert model_files.read(str(config)) == model_files.read(str(config / "config.json")) == expected


@pytest.mark.parametrize("text", [b"", b'{"total_size": "x"}', b'{"total_size": ' + b"9" * 30 + b"}"])
def test_an_index_without_a_size(text):
    assert model_files.total_size(text) is None


def test_one_source_at_two_revisions_is_asked_for_twice(hub):
    for revision in ("v1", "v2"):
        hub.serve("org/m", {"config.json": f'{{"from": "{revision}"}}'}, revision=revision)
    wanted = parse(*({"model": "org/m", "revision": revision} for revision in ("v1", "v2", "v3")), endpoint=hub.url)
    found = model_sources.collect(wanted, {"gpu1": None}, {"org/m@v3": SAVED, "org/m": PROBED})
    assert {name: source["config"] for name, source in found.sources.items()} == {
        "org/m@v1": '{"from": "v1"}',
        "org/m@v2": '{"from": "v2"}',
        "org/m@v3": SAVED["config"],
    }
