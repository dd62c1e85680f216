# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import shlex

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import document as as_document
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import text as as_text

from .helpers import make, parse, probe, units

CHAT = {"name": "chat", "model": "org/m", "hosts": "gpu1", "api_key": "hidden"}


def options(unit):
    """{option: value} of a command line; a switch has None."""
    found, name = {}, None
    for word in unit["exec"]:
        if word.startswith("--"):
            name = word
            found[name] = None
        elif name:
            found[name] = word if found[name] is None else f"{found[name]} {word}"
    return found


def test_model_and_hosts_are_enough():
    document = make({"model": "Qwen/Qwen2.5-32B-Instruct", "hosts": "gpu1"})
    (unit,) = units(document).values()
    assert unit["name"] == "vllm-qwen2-5-32b-instruct-0.service"
    assert unit["devices"] == [0]
    assert unit["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
    assert options(unit)["--served-model-name"] == "qwen2-5-32b-instruct Qwen/Qwen2.5-32B-Instruct"
    reasons = {item["path"] for item in document["decisions"]}
    assert {"vllm_services[0].name", "vllm_services[0].port", "vllm_services[0].devices"} <= reasons
    assert document["hosts"]["gpu1"]["models"][0]["kind"] == "hub"


def test_a_key_is_a_reference_and_never_a_value():
    document = make({**CHAT, "secrets": {"HF_TOKEN": "hidden-too"}})
    assert units(document)["vllm-chat-0.service"]["secrets"] == {
        "HF_TOKEN": "chat.secrets.HF_TOKEN",
        "VLLM_API_KEY": "chat.api_key",
    }
    assert "hidden" not in as_document.as_json(document) + as_text.as_text(document)


def test_no_key_on_every_address_is_warned_of():
    assert [item["path"] for item in make({"model": "org/m", "hosts": "cpu1"})["warnings"]] == [
        "vllm_services[0].api_key"
    ]
    assert make({"model": "org/m", "hosts": "cpu1", "listen": "127.0.0.1"})["warnings"] == []
    assert make({**CHAT, "hosts": "cpu1"})["warnings"] == []


@pytest.mark.parametrize(("version", "paths"), [("9.0.0", 1), ("0.5.4", 1), ("0.7.0", 0), ("0.33.0", 0)])
def test_a_release_that_the_tables_do_not_hold_is_warned_of(version, paths):
    warnings = make({**CHAT, "hosts": "cpu1", "version": version})["warnings"]
    assert [item["path"] for item in warnings if item["id"] == "release-unknown"] == [
        "vllm_services[0].version"
    ] * paths


def test_replicas_go_round_the_hosts_with_own_ports_and_gpus():
    document = make({**CHAT, "hosts": "gpu", "replicas": 4, "gpus": 2, "port": 8100, "router": {"enabled": False}})
    found = {name: (unit["ports"]["api"], unit["devices"]) for name, unit in units(document).items()}
    assert found == {
        "vllm-chat-0.service": (8100, [0, 1]),
        "vllm-chat-2.service": (8101, [2, 3]),
        "vllm-chat-1.service": (8100, [0, 1]),
        "vllm-chat-3.service": (8101, [2, 3]),
    }
    assert [item["url"] for item in document["services"][0]["endpoints"]] == [
        "http://192.0.2.1:8100",
        "http://192.0.2.2:8100",
        "http://192.0.2.1:8101",
        "http://192.0.2.2:8101",
    ]
    assert all(options(unit)["--tensor-parallel-size"] == "2" for unit in units(document).values())


def test_what_persons_wrote_is_given_first():
    document = make(
        {"name": "auto", "model": "org/m", "hosts": "gpu1"},
        {"name": "fixed", "model": "org/m", "hosts": "gpu1", "port": 8000, "devices": [0]},
    )
    found = {name: (unit["ports"]["api"], unit["devices"]) for name, unit in units(document).items()}
    assert found == {"vllm-auto-0.service": (8001, [1]), "vllm-fixed-0.service": (8000, [0])}


def test_cpu_engines_share_the_cores():
    document = make(
        {"name": "a", "model": "lab://tiny", "hosts": "cpu1"}, {"name": "b", "model": "lab://tiny", "hosts": "cpu1"}
    )
    assert {unit["environment"]["OMP_NUM_THREADS"] for unit in units(document).values()} == {"8"}
    host = document["hosts"]["cpu1"]
    assert len(host["environments"]) == 1
    assert host["environments"][0]["aliases"] == {"vllm": "0.32.0+cpu"}
    assert host["models"] == [
        {
            "source": "lab://tiny",
            "kind": "generated",
            "path": "/var/lib/vllm/models/lab--tiny",
            "revision": None,
            "dataset": False,
            "include": [],
            "exclude": [],
            "token": None,
            "environment": None,
        }
    ]


def test_written_variables_win_and_need_no_reason():
    document = make({"name": "a", "model": "lab://tiny", "hosts": "cpu1", "env": {"OMP_NUM_THREADS": 3, "X": True}})
    assert units(document)["vllm-a-0.service"]["environment"]["OMP_NUM_THREADS"] == "3"
    assert units(document)["vllm-a-0.service"]["environment"]["X"] == "1"
    assert not [item for item in document["decisions"] if item["path"].endswith("OMP_NUM_THREADS")]


def test_another_content_is_another_environment():
    plain = make(CHAT)["hosts"]["gpu1"]["environments"][0]
    more = make(CHAT, vllm_env_packages=["xformers==0.0.33"])["hosts"]["gpu1"]["environments"][0]
    assert plain["path"] != more["path"]
    assert more["requirements"] == ["vllm==0.32.0", "ray[default]==2.60.0", "xformers==0.0.33"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, ["--enable-prefix-caching"]),
        (False, ["--no-enable-prefix-caching"]),
        (None, []),
    ],
)
def test_boolean_options(value, words):
    unit = units(make({**CHAT, "args": {"enable_prefix_caching": value}}))["vllm-chat-0.service"]
    assert [word for word in unit["exec"] if "prefix" in word] == words


def test_a_switch_is_left_out_when_false():
    unit = units(make({**CHAT, "args": {"disable_log_stats": False}}))["vllm-chat-0.service"]
    assert not [word for word in unit["exec"] if "log-stats" in word]


@pytest.mark.parametrize(
    ("version", "arguments", "words"),
    [
        ("0.32.0", {"hf_overrides": {"b": [1], "a": "x y"}}, ["--hf-overrides", '{"a":"x y","b":[1]}']),
        ("0.32.0", {"allowed_origins": ["a", "b"]}, ["--allowed-origins", '["a","b"]']),
        ("0.32.0", {"middleware": ["m.A", "m.B"]}, ["--middleware", "m.A", "--middleware", "m.B"]),
        ("0.32.0", {"cudagraph_capture_sizes": [1, 2, 4]}, ["--cudagraph-capture-sizes", "1", "2", "4"]),
        ("0.32.0", {"cudagraph_capture_sizes": []}, []),
        ("0.32.0", {"eplb_config.window_size": 100}, ["--eplb-config.window_size", "100"]),
        ("0.8.0", {"enable_chunked_prefill": False}, ["--enable-chunked-prefill", "false"]),
        ("0.32.0", {"max_model_len": "32k", "seed": None}, ["--max-model-len", "32k"]),
    ],
)
def test_each_kind_of_option_has_its_words(version, arguments, words):
    unit = units(make({**CHAT, "version": version, "args": arguments}))["vllm-chat-0.service"]
    start = unit["exec"].index("--served-model-name") + 3
    assert unit["exec"][start:] == words


def test_a_container_takes_values_by_name_and_no_privileges():
    document = make({**CHAT, "runtime": "container", "env": {"A": "1"}, "gpus": 2}, vllm_volumes=["/mnt:/mnt"])
    unit = units(document)["vllm-chat-0.service"]
    words = unit["exec"]
    assert words[:2] == ["/usr/bin/docker", "run"]
    assert words[words.index("--gpus") + 1] == '"device=0,1"'
    assert [words[index + 1] for index, word in enumerate(words) if word == "--env"] == [
        "PYTHONUNBUFFERED=1",
        "A",
        "HF_HOME",
        "VLLM_API_KEY",
        "VLLM_NO_USAGE_STATS",
    ]
    assert "/mnt:/mnt" in words
    assert words[words.index("--entrypoint") + 1 :][:4] == ["vllm", "vllm/vllm-openai:v0.32.0", "serve", "org/m"]
    assert not {"--privileged", "SYS_PTRACE"} & set(words)
    assert unit["user"] is None
    assert "CUDA_VISIBLE_DEVICES" not in unit["environment"]
    assert document["hosts"]["gpu1"]["environments"] == []
    # Docker's own log would fill the disk, and its own pull would bring what nobody checked.
    assert (words[words.index("--log-driver") + 1], words[words.index("--pull") + 1]) == ("none", "never")
    limits = {words[index + 1] for index, word in enumerate(words) if word == "--ulimit"}
    assert limits == {"memlock=-1", "nofile=1048576", "stack=67108864"}


def test_consents_of_containers():
    document = make({**CHAT, "runtime": "container"}, vllm_container_privileged=True, vllm_container_sys_ptrace=True)
    assert {"--privileged", "SYS_PTRACE"} <= set(units(document)["vllm-chat-0.service"]["exec"])


def test_a_cpu_container_takes_the_image_of_its_machine():
    document = make(
        {**CHAT, "runtime": "container", "hosts": "cpu1"}, probes={"cpu1": {**probe(0), "machine": "aarch64"}}
    )
    assert "vllm/vllm-openai-cpu:v0.32.0-arm64" in units(document)["vllm-chat-0.service"]["exec"]


def test_our_own_listener_is_not_foreign():
    own = probe(8, listeners=[{"port": 8000, "process": "vllm", "pid": 7, "unit": "vllm-chat-0.service"}])
    assert make(CHAT, probes={"gpu1": own})


def test_what_is_probed_is_what_is_named():
    from ansible_collections.vllm.cluster.plugins.module_utils.planning import plan

    found = plan.requests(
        parse(
            {"name": "a", "model": "/m/", "hosts": "gpu", "replicas": 2}, {"name": "b", "model": "x/y", "hosts": "cpu1"}
        )
    )
    assert {host: items["paths"] for host, items in found.items()} == {
        "gpu1": ["/m"],
        "gpu2": ["/m"],
        "cpu1": ["/var/lib/vllm/models/x--y"],
    }


def test_addresses_of_version_six_get_brackets():
    document = make({**CHAT, "listen": "::1"})
    assert document["services"][0]["endpoints"][0]["url"] == "http://[::1]:8000"
    assert units(document)["vllm-chat-0.service"]["health_url"] == "http://[::1]:8000"


def test_the_text_holds_commands_that_a_shell_reads_back():
    document = make({**CHAT, "args": {"hf_overrides": {"a": "x y"}}})
    line = next(line for line in as_text.as_text(document).splitlines() if " serve " in line)
    assert shlex.split(line) == units(document)["vllm-chat-0.service"]["exec"]


def test_json_is_the_document():
    document = make(CHAT)
    assert json.loads(as_document.as_json(document)) == document
