# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of /metrics. fixtures/metrics: one registry of ours, written by prometheus_client 0.26 in both formats."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.clients import prometheus
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).parent / "fixtures" / "metrics"
NASTY = 'a "quoted" \\ back\nline, } = # é end'


def page(name):
    return prometheus.read((FIXTURES / name).read_text(encoding="utf-8"))


def values(scrape, name):
    return [sample.value for sample in scrape.samples(name)]


@pytest.mark.parametrize(("file", "openmetrics"), [("prometheus-0.0.4.txt", False), ("openmetrics-1.0.0.txt", True)])
def test_both_formats(file, openmetrics):
    scrape = page(file)
    assert (scrape.openmetrics, scrape.warnings) == (openmetrics, [])
    assert values(scrape, "odd") == [math.inf]
    assert values(scrape, "req_size_sum") == [1e-7]
    assert values(scrape, "queue_gcount") == [2]
    assert values(scrape, "bytes_bytes_total") == [3]
    assert scrape.samples("build_info")[0].labels == {"version": "0.33.0"}
    assert [(sample.labels["mode"], sample.value) for sample in scrape.samples("mode")] == [("a", 1), ("b", 0)]
    (when,) = scrape.samples("when")
    assert when.value == -math.inf
    assert when.timestamp == (1700000000.5 if openmetrics else 1700000000500)


def test_families_of_the_older_format():
    scrape = page("prometheus-0.0.4.txt")
    running = scrape.families["vllm:num_requests_running"]
    assert (running.type, running.help) == ("gauge", 'Number of\nrequests \\ "now".')
    assert running.samples[0] == prometheus.Sample(
        "vllm:num_requests_running", {"engine": "0", "model_name": "/data/models/x"}, 3.0
    )
    assert running.samples[1].labels["model_name"] == NASTY
    assert math.isnan(running.samples[1].value)
    ttft = scrape.families["vllm:ttft_seconds"]
    assert ttft.type == "histogram"
    assert [(sample.name[len(ttft.name) :], sample.labels.get("le"), sample.value) for sample in ttft.samples] == [
        ("_bucket", "0.001", 0),
        ("_bucket", "0.5", 1),
        ("_bucket", "+Inf", 2),
        ("_count", None, 2),
        ("_sum", None, 7.25),
    ]
    assert scrape.families["vllm:ttft_seconds_created"].type == "gauge"
    assert scrape.families["vllm:prompt_tokens_total"].type == "counter"
    assert {family.type for family in scrape.families.values()} == {
        "gauge",
        "counter",
        "histogram",
        "summary",
        "untyped",
    }


def test_families_of_openmetrics():
    scrape = page("openmetrics-1.0.0.txt")
    size = scrape.families["bytes_bytes"]
    assert (size.type, size.unit, [sample.name for sample in size.samples]) == (
        "counter",
        "bytes",
        ["bytes_bytes_total"],
    )
    assert [sample.name for sample in scrape.families["req_size"].samples] == [
        "req_size_count",
        "req_size_sum",
        "req_size_created",
    ]
    assert len(scrape.families["queue"].samples) == 4
    assert scrape.families["build"].type == "info"
    # prometheus_client 0.26 writes names with colons in another way in the lines of samples.
    (tokens,) = scrape.samples("vllm_prompt_tokens_total")
    assert tokens.exemplar == prometheus.Exemplar({"trace_id": 'abc "x"'}, 1234567.0, tokens.exemplar.timestamp)
    assert tokens.exemplar.timestamp > 1.7e9


@pytest.mark.parametrize(
    ("line", "labels", "value", "timestamp"),
    [
        ("x 1", {}, 1, None),
        ("x\t1\t2", {}, 1, 2),
        ("  x { } .5", {}, 0.5, None),
        ("x{} 5. -3", {}, 5, -3),
        ('x{a="1",}2', {"a": "1"}, 2, None),
        ('x { a = "1" , b="" } +1.5E-3', {"a": "1", "b": ""}, 0.0015, None),
        ('x{a="\\d\\\\n\\n\\""} -Inf', {"a": '\\d\\n\n"'}, -math.inf, None),
        ('x{a="\r\u2028}"} 1e400', {"a": "\r\u2028}"}, math.inf, None),
        ("x infinity\r", {}, math.inf, None),
        ("x 1 # {} 2", {}, 1, None),
    ],
)
def test_lines(line, labels, value, timestamp):
    scrape = prometheus.read(line + "\n")
    assert scrape.warnings == []
    (sample,) = scrape.samples("x")
    assert (sample.labels, sample.value, sample.timestamp) == (labels, value, timestamp)


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "x ",
        "1x 1",
        "x{",
        "x{a",
        'x{a="1',
        'x{a="1"',
        'x{a="1" b="2"} 1',
        'x{a="1"}',
        "x{a=1} 1",
        "x one",
        "x 1_000",
        "x 1 2 3",
        "x 1 # {",
        "x 1 # {} ",
        "x+1",
        "x 0x10",
        "# TYPE x curve",
        "# TYPE x",
        "<html>502 Bad Gateway</html>",
    ],
)
def test_what_is_no_line_of_the_format(line):
    scrape = prometheus.read("y 1\n" + line + "\nz 2\n")
    assert scrape.warnings == [f"not understood: {line}"]
    assert (values(scrape, "y"), values(scrape, "z"), values(scrape, "x")) == ([1], [2], [])


@pytest.mark.parametrize("text", ["", "\n\n", "# a remark\n# TYPEx\n", "#HELP x\n"])
def test_nothing_said(text):
    scrape = prometheus.read(text)
    assert (scrape.families, scrape.warnings) == ({}, [])


def test_the_last_line_may_be_cut():
    scrape = prometheus.read("x 1\ny 12")
    assert values(scrape, "y") == [12]
    assert scrape.warnings == ["the last line has no end: it may be cut"]


def test_a_sample_that_stands_there_twice_counts_once():
    scrape = prometheus.read('x{a="1",b="2"} 1\nx{a="2"} 5\nx{b="2",a="1"} 3\n')
    assert values(scrape, "x") == [3, 5]
    assert scrape.warnings == ['stands there twice: x{b="2",a="1"} 3']


def test_two_types_for_one_name():
    scrape = prometheus.read("# TYPE x gauge\n# TYPE x counter\nx 1\n# TYPE x gauge\n")
    assert scrape.families["x"].type == "gauge"
    assert scrape.warnings == ["x was a gauge before: # TYPE x counter"]


def test_names_that_only_look_like_parts_of_a_family():
    scrape = prometheus.read("# TYPE x gauge\nx_sum 1\n# TYPE y counter\ny_bucket 2\ny_total 3\ny 4\n")
    assert {name: [sample.name for sample in family.samples] for name, family in scrape.families.items()} == {
        "x": [],
        "x_sum": ["x_sum"],
        "y": ["y_total", "y"],
        "y_bucket": ["y_bucket"],
    }


def test_many_bad_lines_are_counted():
    scrape = prometheus.read("?\n" * 100)
    assert len(scrape.warnings) == 21
    assert scrape.warnings[-1] == "and 80 more such lines"


NAMES = st.from_regex(r"\A[a-zA-Z_:][a-zA-Z0-9_:]{0,8}\Z").filter(lambda name: not name.endswith(("_total", "_info")))
LABELS = st.dictionaries(
    st.from_regex(r"\A[a-zA-Z_][a-zA-Z0-9_]{0,5}\Z"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=3,
)
SAMPLES = st.lists(
    st.tuples(NAMES, LABELS, st.floats(), st.none() | st.integers(-(2**40), 2**40).map(float)),
    max_size=8,
    unique_by=lambda item: (item[0], tuple(sorted(item[1].items()))),
)


def written(name, labels, value, timestamp):
    inside = ",".join(
        '{}="{}"'.format(key, text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"'))
        for key, text in labels.items()
    )
    return (
        name
        + ("{" + inside + "}" if labels else "")
        + " "
        + repr(value).replace("inf", "Inf").replace("nan", "NaN")
        + ("" if timestamp is None else f" {timestamp}")
        + "\n"
    )


@settings(max_examples=200, deadline=None)
@given(SAMPLES)
def test_what_is_written_is_read(samples):
    scrape = prometheus.read("".join(written(*sample) for sample in samples))
    assert scrape.warnings == []
    found = [sample for family in scrape.families.values() for sample in family.samples]
    # By their text: NaN is not equal to itself.
    assert sorted(repr(tuple(sample[:4])) for sample in found) == sorted(map(repr, samples))


@settings(max_examples=300, deadline=None)
@given(SAMPLES, st.data())
def test_damage_is_said_and_spares_the_other_lines(samples, data):
    lines = [written(*sample) for sample in samples] or ["x 1\n"]
    at = data.draw(st.integers(0, len(lines) - 1))
    cut = data.draw(st.integers(1, len(lines[at])))
    scrape = prometheus.read(
        "".join(lines[:at]) + lines[at][:-cut] + "".join("\n" + line[:-1] for line in lines[at + 1 :])
    )
    kept = sum(len(family.samples) for family in scrape.families.values())
    assert kept >= len(lines) - 2
    junk = data.draw(st.text(max_size=30) | st.sampled_from(['x{a="', "# TYPE x", "x 1 # {", "\x00", 'x{a="\\']))
    prometheus.read(junk.join(lines))


def test_long_lines_take_no_time():
    start = time.monotonic()
    for part in ("a", "{", '"', "\\", 'a="1",', " ", "# ", "1", "\t# {"):
        for head in ("", "x{", 'x{a="', "x 1", "# HELP "):
            prometheus.read(head + part * 100000)
    assert time.monotonic() - start < 20  # under 1 s; patterns that try every way to read a line take minutes
