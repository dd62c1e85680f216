# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that need no host: what is written, the path that the message must name, and words that it must hold."""

from __future__ import annotations

import pytest

from .helpers import assert_refused, parse, refusals_of

OK = {"name": "a", "model": "org/m", "hosts": "gpu1"}
NO_ROUTER = {"router": {"enabled": False}}
S0 = "vllm_services[0]"

CASES = [
    # id, services, fleet variables, probes, path, words
    ("unknown service key", [{**OK, "prot": 8000}], {}, {}, f"{S0}.prot", ["no such key", "did you mean port?"]),
    ("no model", [{"hosts": "gpu1", "name": "a"}], {}, {}, f"{S0}.model", ["is missing"]),
    ("no hosts", [{"model": "org/m"}], {}, {}, f"{S0}.hosts", ["is missing"]),
    ("a service is a text", ["org/m"], {}, {}, S0, ["must be a mapping, not text"]),
    ("services are a mapping", {"a": OK}, {}, {}, "vllm_services", ["must be list, not a mapping"]),
    ("no services", [], {}, {}, "vllm_services", ["is empty"]),
    ("hosts match nothing", [{**OK, "hosts": "gpuu"}], {}, {}, f"{S0}.hosts", ["'gpuu'", "matches no host"]),
    ("name with capitals", [{**OK, "name": "Chat_1"}], {}, {}, f"{S0}.name", ["must match"]),
    ("same name twice", [OK, {**OK}], {}, {}, "vllm_services[1].name", ["is the name of vllm_services[0] too"]),
    ("port is text", [{**OK, "port": "http"}], {}, {}, f"{S0}.port", ["must be int, not text"]),
    ("port is a boolean", [{**OK, "port": True}], {}, {}, f"{S0}.port", ["must be int, not a boolean"]),
    ("port too high", [{**OK, "port": 70000}], {}, {}, f"{S0}.port", ["must be 1 to 65535"]),
    (
        "replica ports run out",
        [{**OK, "port": 65535, "replicas": 2, **NO_ROUTER}],
        {},
        {},
        f"{S0}.port (engine a-1)",
        ["is not a port"],
    ),
    (
        "no port is left",
        [OK, {**OK, "name": "b"}],
        {"vllm_port_base": 65535},
        {},
        "vllm_services[1].port",
        ["no free port"],
    ),
    (
        "two services on one port",
        [{**OK, "port": 8000}, {**OK, "name": "b", "port": 8000}],
        {},
        {},
        "vllm_services[1].port",
        ["8000", "is taken on host gpu1 by vllm_services[0].port"],
    ),
    (
        "a replica's port meets another service's",
        [{**OK, "port": 8000, "replicas": 2, **NO_ROUTER}, {**OK, "name": "b", "port": 8001}],
        {},
        {},
        "vllm_services[1].port",
        ["is taken on host gpu1 by vllm_services[0].port (engine a-1)"],
    ),
    ("listen is a name", [{**OK, "listen": "localhost"}], {}, {}, f"{S0}.listen", ["is not an IP address"]),
    (
        "relative model path",
        [{**OK, "model": "./m"}],
        {},
        {},
        f"{S0}.model",
        ["is no source of models", "/absolute/path"],
    ),
    ("unknown generated model", [{**OK, "model": "lab://big"}], {}, {}, f"{S0}.model", ["no such generated model"]),
    ("not a release", [{**OK, "version": "latest"}], {}, {}, f"{S0}.version", ["'latest' is not a vLLM release"]),
    ("not a release for all", [OK], {"vllm_version": "v0.32"}, {}, "vllm_version", ["is not a vLLM release"]),
    ("unknown runtime", [OK], {"vllm_runtime": "podman"}, {}, "vllm_runtime", ["must be one of env, container"]),
    ("relative directory", [OK], {"vllm_install_dir": "opt"}, {}, "vllm_install_dir", ["must match"]),
    (
        "unknown option",
        [{**OK, "args": {"max_model_length": 1}}],
        {},
        {},
        f"{S0}.args.max_model_length",
        ["0.32.0 has no option", "max_model_len"],
    ),
    (
        "removed option",
        [{**OK, "args": {"swap_space": 4}}],
        {},
        {},
        f"{S0}.args.swap_space",
        ["has no option --swap-space", "kv_offloading_size"],
    ),
    (
        "option of a later release",
        [{**OK, "version": "0.10.0", "args": {"kv_cache_memory_bytes": 1}}],
        {},
        {},
        f"{S0}.args.kv_cache_memory_bytes",
        ["0.10.0 has no option", "0.10.2"],
    ),
    (
        "option that the plan owns",
        [{**OK, "args": {"port": 1}}],
        {},
        {},
        f"{S0}.args.port",
        ["is set by the plan", f"use {S0}.port"],
    ),
    (
        "key among the options",
        [{**OK, "args": {"api_key": "hidden"}}],
        {},
        {},
        f"{S0}.args.api_key",
        [f"use {S0}.api_key"],
    ),
    (
        "option twice",
        [{**OK, "args": {"max_model_len": 1, "max-model-len": 2}}],
        {},
        {},
        f"{S0}.args.max-model-len",
        ["same option"],
    ),
    (
        "negated option",
        [{**OK, "args": {"no_enable_prefix_caching": True}}],
        {},
        {},
        f"{S0}.args.no_enable_prefix_caching",
        ["enable_prefix_caching: false"],
    ),
    (
        "value for a switch",
        [{**OK, "args": {"enforce_eager": "always"}}],
        {},
        {},
        f"{S0}.args.enforce_eager",
        ["'always'", "takes no value: write true or false"],
    ),
    (
        "list for a number",
        [{**OK, "args": {"max_model_len": [1, 2]}}],
        {},
        {},
        f"{S0}.args.max_model_len",
        ["takes one value, not a list"],
    ),
    ("a share for a number", [{**OK, "args": {"seed": 1.5}}], {}, {}, f"{S0}.args.seed", ["takes a whole number"]),
    (
        "a word that the option does not know",
        [{**OK, "args": {"dtype": "bfloat_16"}}],
        {},
        {},
        f"{S0}.args.dtype",
        ["takes one of auto, bfloat16", "did you mean bfloat16?"],
    ),
    (
        "no API server",
        [{**OK, "args": {"api_server_count": 0}}],
        {},
        {},
        f"{S0}.args.api_server_count",
        ["nobody can call", "write 1 or more"],
    ),
    (
        "key that the option's value does not have",
        [{**OK, "args": {"kv_transfer_config.kv_rank": 1}}],
        {},
        {},
        f"{S0}.args.kv_transfer_config.kv_rank",
        ["--kv-transfer-config of vllm serve 0.32.0 takes no key kv_rank"],
    ),
    (
        "short form of what the plan owns",
        [{**OK, "args": {"tp": 2}}],
        {},
        {},
        f"{S0}.args.tp",
        ["has no option --tp", f"use {S0}.parallel.tensor"],
    ),
    (
        "key of a number",
        [{**OK, "args": {"max_model_len.a": 1}}],
        {},
        {},
        f"{S0}.args.max_model_len.a",
        ["--max-model-len of vllm serve 0.32.0 takes no key a", "give it one value"],
    ),
    (
        "option that no plan can hold",
        [{**OK, "args": {"prefill_context_parallel_size": 2}}],
        {},
        {},
        f"{S0}.args.prefill_context_parallel_size",
        ["plans no prefill context parallelism", "leave it out"],
    ),
    ("name like an option", [{**OK, "served_model_name": "-m"}], {}, {}, f"{S0}.served_model_name", ["must match"]),
    ("revision like an option", [{**OK, "revision": "-r"}], {}, {}, f"{S0}.revision", ["must match"]),
    (
        "interface of another service's host",
        [{**OK, "interface": {"gpu2": "ib0"}}],
        {},
        {},
        f"{S0}.interface.gpu2",
        ["is no host of this service", "gpu1"],
    ),
    (
        "interface that is no text",
        [{**OK, "interface": {"gpu1": 5}}],
        {},
        {},
        f"{S0}.interface.gpu1",
        ["must be the name of an interface"],
    ),
    (
        "access key in env",
        [{**OK, "env": {"AWS_SECRET_ACCESS_KEY": "hidden"}}],
        {},
        {},
        f"{S0}.env.AWS_SECRET_ACCESS_KEY",
        ["looks like a secret", f"{S0}.secrets.AWS_SECRET_ACCESS_KEY"],
    ),
    (
        "spread experts of a release without",
        [{**OK, "version": "0.7.3", "parallel": {"tensor": 4, "expert": True}}],
        {},
        {},
        f"{S0}.parallel.expert",
        ["0.7.3 has no option --enable-expert-parallel", "leave it out"],
    ),
    (
        "option with a line break",
        [{**OK, "args": {"chat_template": "a\nb"}}],
        {},
        {},
        f"{S0}.args.chat_template",
        ["line break"],
    ),
    (
        "secret in env",
        [{**OK, "env": {"HF_TOKEN": "hidden"}}],
        {},
        {},
        f"{S0}.env.HF_TOKEN",
        ["looks like a secret", f"{S0}.secrets.HF_TOKEN"],
    ),
    (
        "key in env",
        [{**OK, "env": {"VLLM_API_KEY": "hidden"}}],
        {},
        {},
        f"{S0}.env.VLLM_API_KEY",
        ["use the service's api_key"],
    ),
    (
        "bad variable name",
        [{**OK, "env": {"A-B": "1"}}],
        {},
        {},
        f"{S0}.env.A-B",
        ["not an environment variable's name"],
    ),
    ("variable with a line break", [{**OK, "env": {"A": "1\n2"}}], {}, {}, f"{S0}.env.A", ["line break"]),
    ("variable is a list", [{**OK, "env": {"A": [1]}}], {}, {}, f"{S0}.env.A", ["must be text"]),
    ("secret with a line break", [{**OK, "secrets": {"A": "hidden\n"}}], {}, {}, f"{S0}.secrets.A", ["line break"]),
    ("key with a blank", [{**OK, "api_key": "hidden key"}], {}, {}, f"{S0}.api_key", ["an HTTP header cannot carry"]),
    ("key is a list", [{**OK, "api_key": ["hidden"]}], {}, {}, f"{S0}.api_key", ["must be str, not a list"]),
    (
        "part of a later release",
        [{**OK, "prefill": {"gpus": 1}, "decode": {"gpus": 1}, "balancing": "external"}],
        {},
        {},
        f"{S0}.balancing",
        ["is not planned by this release"],
    ),
    (
        "one engine over hosts",
        [{**OK, "hosts": "gpu"}],
        {},
        {},
        f"{S0}.hosts",
        ["whether one host holds the model is not known", "replicas: 2"],
    ),
    ("parallel is a word", [{**OK, "parallel": "max"}], {}, {}, f"{S0}.parallel", ["must be auto or a mapping"]),
    ("unknown size", [{**OK, "parallel": {"tp": 2}}], {}, {}, f"{S0}.parallel.tp", ["no such key"]),
    (
        "world size is not the GPUs",
        [{**OK, "gpus": 4, "parallel": {"tensor": 2}}],
        {},
        {},
        f"{S0}.gpus",
        ["make 2 ranks"],
    ),
    (
        "decode context",
        [{**OK, "parallel": {"tensor": 4, "decode_context": 3}}],
        {},
        {},
        f"{S0}.parallel.decode_context",
        ["does not divide tensor = 4"],
    ),
    (
        "size that the release does not know",
        [{**OK, "version": "0.10.0", "parallel": {"tensor": 4, "decode_context": 2}}],
        {},
        {},
        f"{S0}.parallel.decode_context",
        ["no option --decode-context-parallel-size"],
    ),
]


@pytest.mark.parametrize(
    ("services", "fleet", "probes", "path", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_refused(services, fleet, probes, path, words):
    assert_refused(services, fleet, probes, path, words)


def test_the_services_of_the_table_are_good_without_their_fault():
    assert refusals_of(OK) == []


def test_all_refusals_of_a_stage_come_at_once():
    assert len(refusals_of({"hosts": "gpuu", "prot": 1})) == 3


def test_a_misspelt_variable_is_told():
    assert parse(OK, vllm_verison="0.1.0").unknown == (("vllm_verison", "vllm_version"),)
    assert parse(OK, vllm_allow_restart=True).unknown == ()
