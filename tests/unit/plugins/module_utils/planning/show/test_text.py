# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan on a terminal."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import amounts, commands, document, text

from . import documents

WIDE = 100


def screen(plan, name):
    """The lines between a service's head and the next block."""
    shown = text.as_text(plan)
    body = shown.partition(f"── {name} ")[2].partition("\n")[2]
    return re.split(r"^── |^Commands$|^Warnings of", body, maxsplit=1, flags=re.MULTILINE)[0]


def test_a_screen_tells_hosts_devices_links_layout_memory_and_reasons():
    shown = screen(documents.two_hosts(), "r1")
    for line in (
        "Model       deepseek-ai/DeepSeek-R1",
        "Front door  http://192.0.2.21:8000",
        "Engine      r1-0: 16 ranks on 2 hosts, vLLM 0.33.0 on cuda",
        "  tensor     8      128 heads, 8 GPUs joined by NV18",
        "  pipeline   2      two hosts: 641 GiB of weights do not fit on one",
        "  interface  ib0    the fastest network that gpu1 and gpu2 share, with RDMA",
        "  gpu1, gpu2  0-7   NV18   mlx5_0  ib0 400 Gb/s RDMA  10.9.0.1, 10.9.0.2  api 8000, rendezvous",
        "  stage 0: gpu1 GPU 0-7",
        "  39.1 weights + 4.2 overhead + 29.5 KV + 6.8 free = 79.6 GiB",
        "  41.3 weights + 4.2 overhead + 27.3 KV + 6.8 free = 79.6 GiB",
        "  at least 9.2 requests of 32,768 tokens at once, at most 21.4 (701,235 tokens of cache, 128 KiB",
    ):
        assert line in shown.splitlines()


def test_equal_gpus_share_one_bar():
    shown = screen(documents.one_host(), "qwen")
    assert [line for line in shown.splitlines() if "[" in line and "W" in line] == [
        "  [" + "W" * 27 + "O" * 4 + "K" * 35 + "." * 6 + "]"
    ]
    assert "  gpu1 GPU 0-3" in shown.splitlines()
    assert "2 engines   qwen-0, qwen-1: each 2 ranks on 1 host" in shown


def test_what_is_not_known_is_said_with_its_reason():
    shown = screen(documents.one_host(), "coder")
    assert "its size is not known" in shown
    assert "Memory: the model's config.json could not be read" in shown
    assert "without a key" in shown


def test_a_cpu_engine_has_no_memory_bar():
    shown = screen(documents.cpus(), "demo")
    assert "Memory: a CPU engine takes what VLLM_CPU_KVCACHE_SPACE says" in shown
    assert "[W" not in shown
    assert "demo1, demo2  CPU" in shown


def test_warnings_stand_at_the_end_of_their_screen_with_the_fix():
    plan = documents.one_host()
    shown = screen(plan, "coder").rstrip()
    assert shown.endswith("Fix: give model_config, or let the controller reach the hub")
    assert "Warnings" not in screen(plan, "qwen")
    rest = text.as_text(plan).partition("Warnings of the whole plan\n")[2]
    assert rest.startswith("! vllm_service_port: no such variable; vllm_services is one\n    Fix: correct the name")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"requests": None, "tokens": None}, "the cache sets no bound to the requests of 32,768 tokens at once"),
        ({"bounded": False, "requests": 9.24}, "9.2 requests of 32,768 tokens at once"),
        ({"bounded": True, "requests": 5.0, "requests_at_least": 5.0}, "at least 5 requests of 32,768 tokens at once"),
    ],
)
def test_concurrency_is_told_as_far_as_it_is_known(changes, words):
    plan = documents.one_host()
    for engine in plan["engines"][:2]:
        engine["memory"].update(changes)
    assert f"  {words}" in screen(plan, "qwen")


@pytest.mark.parametrize("written", ["auto", -1, "-1"])
def test_a_length_that_the_engine_finds_itself_is_told_so(written):
    plan = documents.two_hosts()
    plan["services"][0]["max_model_len"] = written
    assert "up to as many tokens as fit a request" in text.as_text(plan)


@pytest.mark.parametrize("name", ["one_host", "two_hosts", "cpus"])
def test_a_screen_fits_a_screen(name):
    plan = getattr(documents, name)()
    for service in plan["services"]:
        lines = screen(plan, service["name"]).rstrip().splitlines()
        assert 8 <= len(lines) <= 40
        assert max(map(len, lines)) <= WIDE


def test_a_screen_of_a_thousand_hosts_fits_a_screen_too():
    shown = screen(documents.large(1000, 1), "s0").rstrip().splitlines()
    assert len(shown) <= 40
    assert max(map(len, shown)) <= 130
    assert any(f"gpu0000{amounts.TO}gpu0999 (1000)" in line for line in shown)


def test_every_unit_of_a_large_plan_is_among_the_commands():
    plan = documents.large()
    shown = text.as_text(plan).partition("\nCommands\n")[2]
    folded = [commands.kinds(units(plan, item["name"])) for item in plan["services"]]
    told = [unit for kinds in folded for kind in kinds for same in (kind.first, *kind.others) for unit in same.units]
    assert sorted(told) == sorted(
        (host, unit["name"]) for host, item in plan["hosts"].items() for unit in item["units"]
    )
    assert all(kind.first.place in shown for kinds in folded for kind in kinds)


def units(plan, service):
    return [
        (host, unit) for host, item in plan["hosts"].items() for unit in item["units"] if unit["service"] == service
    ]


def test_what_differs_from_the_first_command_gives_back_the_whole_command():
    plan = documents.two_hosts()
    (first, other) = [unit for _host, unit in units(plan, "r1")]
    (kind,) = commands.kinds(units(plan, "r1"))
    assert kind.command.lines[-1] == shlex.join(first["exec"])
    assert kind.others[0].differs == ("--node-rank 1", "--headless")
    assert other["exec"][-2:] == ["1", "--headless"]


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        (["--a", "1"], ("without --b",)),
        (["--a", "1", "--b", "--c", "x y"], ("--c 'x y'",)),
        (["--b", "--a", "1"], ("in another order: vllm --b --a 1",)),
        (["--b", "--a", "2"], ("--a 2",)),
    ],
)
def test_a_command_is_told_by_its_differences(words, differs):
    base = {"kind": "engine", "runtime": "env", "environment": {}, "secrets": {}, "name": "u"}
    pair = [("h1", {**base, "exec": ["vllm", "--a", "1", "--b"]}), ("h2", {**base, "exec": ["vllm", *words]})]
    (kind,) = commands.kinds(pair)
    assert [other.differs for other in kind.others] == [differs]


def test_repeated_options_are_told_one_by_one():
    base = {"kind": "engine", "runtime": "env", "environment": {}, "secrets": {}, "name": "u"}
    pair = [
        ("h1", {**base, "exec": ["docker", "--env", "A", "--env", "B"]}),
        ("h2", {**base, "exec": ["docker", "--env", "A", "--env", "C"]}),
    ]
    assert commands.kinds(pair)[0].others[0].differs == ("--env C", "without --env B")


def test_secrets_are_named_and_the_reasons_not_told_on_the_screen_follow():
    shown = text.as_text(documents.one_host())
    assert "VLLM_API_KEY=(secret qwen.api_key)" in shown
    assert "vllm_services[0].devices  [0, 1]  joined by NV18" in shown.partition("\nWhy\n")[2]
    assert "parallel.tensor" not in shown.partition("\nWhy\n")[2]


def test_a_second_value_of_a_decision_is_not_lost():
    plan = documents.two_hosts()
    path = "vllm_services[0].interface"
    plan["decisions"].append(documents.decided(path, "eth0", "gpu2 has no ib0"))
    plan["decisions"].append(documents.decided("vllm_services[0].parallel.tensor", 4, "another engine"))
    rest = text.as_text(plan).partition("\nWhy\n")[2]
    assert "eth0   gpu2 has no ib0" in rest
    assert "4      another engine" in rest
    assert "128 heads" not in rest
    assert "tensor     8      128 heads" in screen(plan, "r1")


def test_reasons_that_differ_by_host_are_counted():
    shown = text.as_text(documents.large(40, 4)).partition("\nWhy\n")[2]
    assert "gpu0010 has 8 GPUs (and 9 more like this)" in shown


def test_the_same_plan_gives_the_same_text():
    assert text.as_text(documents.large(50, 10)) == text.as_text(documents.large(50, 10))
    assert json.loads(document.as_json(documents.two_hosts())) == documents.two_hosts()
