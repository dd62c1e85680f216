# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables themselves: in order, complete, and in agreement with each other."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import (
    advisories,
    connectors,
    metrics,
    quantization,
    tables,
    timelines,
    versions,
)

SAMPLED = tables.sampled()
TIMELINES = {
    "releases": ("facts", "commands"),
    "serve_flags": ("flags", "short_forms", "choices", "readable"),
    "environment_variables": ("variables",),
    "connectors": ("kv_connectors", "ec_connectors", "transfer_keys", "extra_keys"),
    "metrics": ("metrics",),
    "quantization": ("methods", "deprecated", "schemes"),
    "runtimes": ("glibc", "wheels", "rays", "images"),
    "traits": ("traits",),
}
SECTION_TABLE = {section: table for table, sections in TIMELINES.items() for section in sections}
KINDS = {"switch", "pair", "boolean", "optional", "int", "float", "string", "json", "list", "append"}
NEEDS = [(name, row) for name, rows in sorted(tables.load("connector_needs")["connectors"].items()) for row in rows]
ADVICE = [
    (section, name, row)
    for section, names in tables.load("advice").items()
    if section != "provenance"
    for name, rows in names.items()
    for row in rows
]


def lines_of(section):
    return timelines.timelines(SECTION_TABLE[section], section)


def within(row):
    """The measured releases that a hand-written row speaks of."""
    since = versions.parse(row.get("since") or SAMPLED[0])
    until = row.get("until")
    return [
        release
        for release in SAMPLED
        if since <= versions.parse(release) and (until is None or versions.parse(release) < versions.parse(until))
    ]


def test_every_file_says_where_it_comes_from():
    files = {path.stem for path in tables.FOLDER.glob("*.json")}
    assert files == {*TIMELINES, "advice", "advisories", "connector_needs"}
    for name in files:
        assert len(tables.load(name)["provenance"]) > 40, name


@pytest.mark.parametrize(("table", "section"), [(table, each) for table, all_ in TIMELINES.items() for each in all_])
def test_spans_are_ordered_measured_and_minimal(table, section):
    rows = tables.load(table)[section]
    assert rows
    assert list(rows) == sorted(rows) or table in ("runtimes", "traits")
    for name, spans in rows.items():
        for span in spans:
            assert span[0] in SAMPLED, (name, span)
            assert span[1] is None or SAMPLED.index(span[1]) > SAMPLED.index(span[0]), (name, span)
        for earlier, later in zip(spans, spans[1:]):
            assert earlier[1] is not None, (name, "an open span must be the last")
            assert SAMPLED.index(earlier[1]) <= SAMPLED.index(later[0]), (name, earlier, later)
            assert earlier[1] != later[0] or earlier[2:] != later[2:], (name, "two spans that are one", earlier, later)


def test_values_are_of_the_kinds_that_the_look_ups_know():
    assert {span.value for line in lines_of("flags").values() for span in line.spans} == KINDS
    for line in lines_of("metrics").values():
        for span in line.spans:
            kind, state = span.value.split()
            assert kind in ("counter", "gauge", "histogram")
            assert state in ("shown", "hidden", "v0", "v1")
    flags = lines_of("flags")
    for section, kind in (("choices", "string"), ("readable", "int")):
        for name, line in lines_of(section).items():
            assert all(flags[name].at(span.since) == kind for span in line.spans), name
    assert {span.value for line in lines_of("readable").values() for span in line.spans} == {"suffix", "suffix or auto"}
    for name, line in lines_of("choices").items():
        assert all(span.value and span.value == sorted(set(span.value)) for span in line.spans), name
    for short, line in lines_of("short_forms").items():
        for span in line.spans:
            assert flags[span.value].span(span.since), (short, span)


def test_capabilities_are_numbers():
    for section in ("methods", "schemes"):
        for name, line in lines_of(section).items():
            for span in line.spans:
                assert span.value == "elsewhere" or span.value in range(121), (name, span)
    assert {name for name in quantization.PLUGINS if quantization.has(name, SAMPLED[-1])} == set()
    assert set(quantization.PLUGINS) < set(lines_of("methods"))


def test_every_release_tells_what_plans_ask_for():
    for release in SAMPLED:
        for fact in ("python", "torch", "cuda", "image_entrypoint", "gpu_memory_utilization"):
            assert lines_of("facts")[fact].at(release), (fact, release)
    assert set(tables.load("releases")["untold"]) < set(SAMPLED)


@pytest.mark.parametrize(
    ("section", "name", "row"), ADVICE, ids=[f"{section}-{name}" for section, name, _row in ADVICE]
)
def test_advice_is_needed_where_it_is_given_and_leads_to_what_exists(section, name, row):
    releases = within(row)
    assert releases
    assert {row.get("since"), row.get("until")} <= {None, *SAMPLED}
    lines = lines_of(section)
    line = lines.get(name, timelines.NEVER)
    assert not [release for release in releases if line.span(release)], "the release knows the name: no advice is due"
    for target_section, targets in row.get("now", {}).items():
        for target in targets:
            there = lines_of(target_section)[target]
            first = row.get("since") or there.spans[0].since
            assert not [release for release in within({**row, "since": first}) if not there.span(release)], target
            said = target.rpartition(" ")[2].replace("-", "_")
            assert said in row["say"].replace("-", "_"), "the text names what the table names"


def test_names_that_changed_have_advice():
    """What seeds and old guides still write; a name may leave this list only with its advice."""
    for section, names in {
        "flags": ["swap-space", "disable-log-requests", "enable-prometheus", "task", "device", "enable-reasoning"],
        "variables": ["VLLM_USE_V1", "VLLM_ATTENTION_BACKEND", "VLLM_ALL2ALL_BACKEND", "RAY_USE_IPV4"],
        "kv_connectors": ["PyNcclConnector", "P2pNcclConnector", "SharedStorageConnector", "LMCacheConnector"],
        "transfer_keys": ["kv_rank", "kv_ip", "kv_parallel_size", "kv_buffer_size"],
        "metrics": ["vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds"],
    }.items():
        assert set(names) <= set(tables.load("advice")[section])


def test_every_connector_that_ever_was_has_its_needs():
    needs = tables.load("connector_needs")["connectors"]
    assert set(needs) == set(lines_of("kv_connectors"))
    for name, line in lines_of("kv_connectors").items():
        told = [release for row in needs[name] for release in within(row)]
        assert told == [release for release in SAMPLED if line.span(release)], name


@pytest.mark.parametrize(("name", "row"), NEEDS, ids=[f"{name}-{row['since']}" for name, row in NEEDS])
def test_needs_name_what_the_releases_know(name, row):
    for release in within(row):
        for key in (*row.get("required", ()), *row.get("shared_files", ())):
            assert connectors.extra_key(name, key, release).valid, (key, release)
        for key in row.get("transfer_required", ()):
            assert connectors.transfer_key(key, release).valid, (key, release)
        for port in row.get("ports", ()):
            assert port["per"] in ("engine", "data_parallel_rank", "rank", "rank_twice")
            assert set(port["roles"]) <= set(row["roles"])
            if "variable" in port:
                assert lines_of("variables")[port["variable"]].span(release), (port, release)
            if "key" in port:
                assert connectors.extra_key(name, port["key"], release).valid, (port, release)
        for variable in row.get("variables", {}):
            # LMCache and the old Mooncake code read their own.
            known = lines_of("variables").get(variable)
            assert known is None or known.span(release) or not variable.startswith("VLLM_"), (variable, release)
        read = connectors.needs(name, release)
        assert read is not None
        assert set(read.roles) <= {"kv_producer", "kv_consumer", "kv_both"}
        assert all(port.default or port.set_by.startswith(("extra_key", "transfer_key")) for port in read.ports)


def test_advisories():
    everything = advisories.everything()
    assert len({item.id for item in everything}) == len(everything)
    for item in everything:
        assert item.since in SAMPLED, item
        assert item.fixed is None or SAMPLED.index(item.since) < SAMPLED.index(item.fixed), item
        assert set() < set(item.needs) <= set(advisories.features()), item
    assert {feature for item in everything for feature in item.needs} == set(advisories.features())


def test_every_cuda_that_is_built_has_a_driver():
    drivers = tables.load("runtimes")["drivers"]
    for fact in ("cuda", "cuda_variant"):
        for span in lines_of("facts")[fact].spans:
            assert span.value.partition(".")[0] in drivers


def test_quantities_exist():
    for names in metrics.QUANTITIES.values():
        assert set(names) <= set(lines_of("metrics"))
