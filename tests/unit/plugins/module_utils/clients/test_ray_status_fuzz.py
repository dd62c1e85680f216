# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ray status`` of made-up clusters in the words of each Ray, whole and damaged."""

from __future__ import annotations

import json
import time

from ansible_collections.vllm.cluster.plugins.module_utils.clients import ray_status
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = {
    "1.7": ("Healthy:", False, "Usage:", None, "Demands:"),
    "2.4": ("Healthy:", False, "Usage:", None, "Demands:"),
    "2.9": ("Active:", True, "Usage:", None, "Demands:"),
    "2.9 -v": ("Active:", True, "Total Usage:", None, "Total Demands:"),
    "2.47": ("Active:", False, "Total Usage:", "Total Constraints:", "Total Demands:"),
    "2.60": ("Active:", True, "Total Usage:", "From request_resources:", "Pending Demands:"),
}
NAMES = st.sampled_from(["CPU", "GPU", "accelerator_type:H100", "TPU-v4-32-head", "my res", "a (b)", "bundle", "x_1"])
TYPES = st.sampled_from(["head-group", "ray.worker.default", "p3.2xlarge", "gpu group", "node_" + "0a" * 28])
ADDRESSES = st.sampled_from(["10.0.0.1", "fe80::1:2", "i-0abc", "gpu-1.example.org"])
COUNTS = st.integers(1, 2000)
AMOUNTS = st.integers(0, 2000) | st.integers(0, 20000000).map(lambda number: number / 10000)
SIZES = st.integers(0, 2**50)
BUNDLES = st.dictionaries(
    NAMES | st.just("node:10.0.0.1"), st.sampled_from([1, 4.0, 0.001, 1e-05, 8]), min_size=1, max_size=3
)


@st.composite
def clusters(draw):
    truth = {"dialect": draw(st.sampled_from(sorted(WORDS)))}
    truth["active"] = draw(st.lists(st.tuples(TYPES, COUNTS), max_size=4))
    truth["idle"] = draw(st.lists(st.tuples(TYPES, COUNTS), max_size=2))
    truth["launching"] = draw(st.lists(st.tuples(TYPES, COUNTS), max_size=2))
    truth["starting"] = draw(
        st.lists(
            st.tuples(ADDRESSES, TYPES, st.sampled_from(["waiting-for-ssh", "starting ray", "setting-up"])), max_size=2
        )
    )
    truth["failed"] = draw(st.lists(st.tuples(TYPES, st.just("NodeTerminated"), ADDRESSES), max_size=3))
    reservation = st.none() | st.tuples(AMOUNTS, AMOUNTS)
    truth["resources"] = draw(st.dictionaries(NAMES, st.tuples(AMOUNTS, AMOUNTS, reservation), max_size=5))
    truth["memory"] = draw(st.tuples(SIZES, SIZES, st.none() | st.tuples(SIZES, SIZES)))
    truth["tasks"] = draw(st.lists(st.tuples(BUNDLES, COUNTS, st.none() | COUNTS), max_size=3))
    truth["groups"] = draw(
        st.lists(
            st.tuples(
                st.lists(st.tuples(BUNDLES, COUNTS), min_size=1, max_size=3),
                st.sampled_from(["PACK", "STRICT_SPREAD"]),
                COUNTS,
            ),
            max_size=2,
        )
    )
    truth["requested"] = draw(st.lists(st.tuples(BUNDLES, COUNTS), max_size=2))
    return truth


def size(number):
    for suffix, unit in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= unit:
            return f"{number / unit:.2f}{suffix}"
    return f"{number}B"


def memory_line(truth):
    used, total, reserved = truth["memory"]
    if truth["dialect"] == "1.7":
        line = f"{used / 2**30:.2f}/{total / 2**30:.3f} GiB memory"
        pattern = " ({:.2f} used of {:.2f} GiB reserved in placement groups)"
        return line + (pattern.format(reserved[0] / 2**30, reserved[1] / 2**30) if reserved else "")
    line = f"{size(used)}/{size(total)} memory"
    return line + (
        f" ({size(reserved[0])} used of {size(reserved[1])} reserved in placement groups)" if reserved else ""
    )


def resource_lines(truth):
    for name, (used, total, reserved) in truth["resources"].items():
        held = f" ({reserved[0]} used of {reserved[1]} reserved in placement groups)" if reserved else ""
        yield f"{used}/{total} {name}{held}"
    yield memory_line(truth)


def demand_lines(truth):
    for bundle, count, grouped in truth["tasks"]:
        yield f"{bundle}: {count}+ pending tasks/actors" + (f" ({grouped}+ using placement groups)" if grouped else "")
    for bundles, strategy, count in truth["groups"]:
        shape = ", ".join(f"{bundle} * {number}" for bundle, number in bundles)
        yield f"{shape} ({strategy}): {count}+ pending placement groups"


def pending_lines(truth):
    yield from (f"{kind}, {count} launching" for kind, count in truth["launching"])
    yield from (f"{address}: {kind}, {state}" for address, kind, state in truth["starting"])


def printed(truth):
    """The status as lines."""
    active, has_idle, usage, constraints, demands = WORDS[truth["dialect"]]
    more = "" if constraints == "From request_resources:" else "+"
    requested = [f"{bundle}: {count}{more} from request_resources()" for bundle, count in truth["requested"]]
    rule = "-" * 63
    parts = [
        ["======== Autoscaler status: 2025-03-28 00:38:24.697168 ========", "Node status", rule],
        [active, *(f" {count} {kind}" for kind, count in truth["active"])],
        ["Idle:", *([f" {count} {kind}" for kind, count in truth["idle"]] or [" (no idle nodes)"])] if has_idle else [],
        ["Pending:", *([" " + line for line in pending_lines(truth)] or [" (no pending nodes)"])],
        ["Recent failures:", *([f" {a}: {b} (ip: {c})" for a, b, c in truth["failed"]] or [" (no failures)"]), ""],
        ["Resources", rule, usage, *(" " + line for line in resource_lines(truth)), ""],
        [constraints, *([" " + line for line in requested] or [" (none)"])] if constraints else [],
        [demands, *([" " + line for line in [*demand_lines(truth), *([] if constraints else requested)]])],
    ]
    lines = [line for part in parts for line in part]
    return lines if lines[-1] != demands else [*lines, " (no resource demands)"]


def bundle_of(resources, count=1):
    return {"resources": {name: float(value) for name, value in resources.items()}, "count": count}


def check(truth, document):
    assert document["warnings"] == []
    assert document["complete"]
    nodes = document["nodes"]
    assert [(item["type"], item["count"]) for item in nodes["active"]] == truth["active"]
    idle = truth["idle"] if WORDS[truth["dialect"]][1] else []
    assert [(item["type"], item["count"]) for item in nodes["idle"] or []] == idle
    assert [(item["type"], item["count"]) for item in nodes["pending"] if item["state"] == "launching"] == truth[
        "launching"
    ]
    starting = [(item["address"], item["type"], item["state"]) for item in nodes["pending"] if item["address"]]
    assert starting == truth["starting"]
    assert [(item["type"], item["reason"], item["address"]) for item in nodes["failed"]] == truth["failed"]
    found = document["resources"]
    assert set(found) == {*truth["resources"], "memory"}
    for name, (used, total, reserved) in truth["resources"].items():
        numbers = [found[name][key] for key in ("used", "total", "reserved_used", "reserved")]
        assert numbers == [used, total, *(reserved or (0, 0))]
    for key, number in zip(("used", "total"), truth["memory"]):
        unit = 2**30 if truth["dialect"] == "1.7" else next((2**e for e in (40, 30, 20, 10) if number >= 2**e), 1)
        assert abs(found["memory"][key] - number) <= 0.0051 * unit
    demands = document["demands"]
    tasks = [
        (item["bundles"], item["count"], item["in_placement_groups"] or None)
        for item in demands
        if item["kind"] == "tasks"
    ]
    assert tasks == [([bundle_of(bundle)], count, grouped) for bundle, count, grouped in truth["tasks"]]
    groups = [
        (item["bundles"], item["strategy"], item["count"]) for item in demands if item["kind"] == "placement_groups"
    ]
    assert groups == [([bundle_of(*one) for one in bundles], *rest) for bundles, *rest in truth["groups"]]
    asked = [(item["bundles"], item["count"]) for item in document["constraints"]]
    assert asked == [([bundle_of(bundle)], count) for bundle, count in truth["requested"]]


PREFIXES = st.sampled_from(
    [
        "",
        "   ",
        "> ",
        "2026-11-20 10:00:07,123 INFO vllm-0 ",
        "2026-11-20T10:00:07.123456Z stdout F ",
        "[pod/ray-head-7d9f/ray] ",
        "ray-1  | ",
        "(autoscaler +12s) ",
        "Nov 20 10:00:07 gpu1 ray[4711]: ",
    ]
)


@settings(max_examples=500, deadline=None)
@given(clusters(), PREFIXES, st.booleans(), st.sampled_from(["\n", "\r\n", "\x1b[0m\n"]))
def test_every_dialect(truth, prefix, stripped, end):
    lines = [prefix + line for line in printed(truth)]
    text = end.join(line.rstrip() if stripped else line for line in lines)
    check(truth, ray_status.read(text))


@settings(max_examples=300, deadline=None)
@given(clusters(), st.data())
def test_a_cut_before_the_demands_is_said(truth, data):
    text = "\n".join(printed(truth))
    last = text.rindex("Demands:") + len("Demands:")
    document = ray_status.read(text[: data.draw(st.integers(0, last))])
    assert document["complete"] is False
    assert document["warnings"]


@st.composite
def damaged(draw):
    text = draw(PREFIXES) + "\n".join(printed(draw(clusters())))
    for _damage in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(text)))
        put = draw(
            st.sampled_from(
                ["", " ", "\n", "\t", "\x1b[31", "\x1b", "(", "{", "'", ": ", "1e9", "9" * 5000, "\ufffd", "Node: x\n"]
            )
            | st.text(max_size=5)
        )
        text = text[:at] + put + text[at + draw(st.integers(0, 40)) :]
    return text[draw(st.integers(0, 10)) : len(text) - draw(st.integers(0, 200))]


@settings(max_examples=1000, deadline=None)
@given(damaged() | st.text(max_size=200))
def test_nothing_raises(text):
    json.dumps(ray_status.read(text), allow_nan=False)


def test_long_lines_take_no_time():
    start_time = time.monotonic()
    for part in ("=", " (1 used of ", "a: b ", "{'a': 1, ", "{'a': 1} * 1, ", "1/1 ", "'", "no _", "Active: ", "\\"):
        for start in ("Recent failures:\n", "Usage:\n1/1 ", "Demands:\n", ""):
            ray_status.read(start + part * 50000)
    assert time.monotonic() - start_time < 20  # 0.2 s; patterns that try every way to read a line take minutes
