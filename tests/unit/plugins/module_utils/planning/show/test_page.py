# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a page."""

from __future__ import annotations

import html.parser
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import amounts, page
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show.markup import element, join

from .. import fleets
from . import documents

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
VOID = ("meta",)


class Reader(html.parser.HTMLParser):
    """Elements with their attributes, the texts, and whether every element is closed."""

    def __init__(self):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(plan):
    reader = Reader()
    reader.feed(page.as_html(plan))
    reader.close()
    assert reader.open == []
    return reader


def of_class(reader, name):
    return [attrs for _tag, attrs in reader.elements if name in (attrs.get("class") or "").split()]


def test_every_gpu_of_the_plan_is_drawn_with_its_memory():
    reader = read(documents.two_hosts())
    assert len(of_class(reader, "host")) == 2
    assert len(of_class(reader, "gpu")) == 16
    heights = [float(item["height"]) for item in of_class(reader, "w")]
    assert heights == [20.6] * 8 + [21.8] * 8  # 39.1 and 41.3 of 79.6 GiB, of 42 pixels


def test_the_line_between_members_names_the_network():
    reader = read(documents.two_hosts())
    assert "r1-0: 2 members over ib0 400 Gb/s RDMA" in reader.texts
    assert len(of_class(reader, "dot")) == 2
    assert "NV18" in reader.texts
    assert "▸ :8000" in reader.texts
    assert "ib0 · 10.9.0.2 · 400 Gb/s RDMA" in reader.texts


def test_a_host_of_several_engines_shows_each_in_its_colour():
    reader = read(documents.one_host())
    assert len(of_class(reader, "gpu")) == 5
    assert [text for text in reader.texts if text in ("qwen-0", "qwen-1", "coder-0")] == ["qwen-0", "qwen-1", "coder-0"]
    assert reader.texts.count("?") == 1  # the GPU of which nothing is known
    assert of_class(reader, "bus") == []


def test_reasons_memory_and_warnings_stand_in_the_panel():
    reader = read(documents.two_hosts())
    assert "two hosts: 641 GiB of weights do not fit on one" in reader.texts
    assert "Room for at least 9.2 requests of 32,768 tokens at once, at most 21.4." in reader.texts
    bars = [attrs["aria-label"] for attrs in of_class(reader, "bar")]
    assert bars[0] == "39.1 weights + 4.2 overhead + 29.5 KV + 6.8 free = 79.6 GiB"
    assert any(text == "Fix: correct the name, or remove it" for text in read(documents.one_host()).texts)


def test_names_cannot_become_markup():
    plan = documents.one_host()
    text = repr(plan).replace("Qwen/Qwen2.5-32B-Instruct", "EVIL").replace("gpu1", "EVIL")
    plan = eval(text.replace("'EVIL'", repr(EVIL)))
    for engine in plan["engines"]:
        engine["name"], engine["why_unknown"] = EVIL, EVIL
    for service in plan["services"]:
        service["model"] = service["served_model_name"] = EVIL
        service["endpoints"][0]["url"] = "javascript:alert(3)"
    plan["warnings"][0]["message"] = plan["decisions"][0]["why"] = plan["decisions"][4]["value"] = EVIL
    plan["hosts"][EVIL]["units"][0]["exec"].append(EVIL)
    reader = read(plan)
    tags = {tag for tag, _attrs in reader.elements}
    assert not tags & {"script", "img", "iframe", "object", "link", "base"}
    assert not any(name.startswith("on") for _tag, attrs in reader.elements for name in attrs)
    assert all(attrs["href"].startswith(("#", "http://")) for tag, attrs in reader.elements if tag == "a")
    assert EVIL in reader.texts


def test_the_page_needs_nothing_else():
    reader = read(documents.two_hosts())
    assert not any(name in attrs for _tag, attrs in reader.elements for name in ("src", "srcset", "xlink:href"))
    assert "url(" not in page.CSS
    assert "@import" not in page.CSS
    policy = next(attrs["content"] for _tag, attrs in reader.elements if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize("name", ["one_host", "two_hosts", "cpus"])
def test_every_drawing_has_a_text_in_its_place(name):
    reader = read(getattr(documents, name)())
    pictures = [attrs for tag, attrs in reader.elements if tag == "svg"]
    assert pictures
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in pictures)


def test_hosts_that_look_the_same_are_drawn_once():
    reader = read(documents.large(8, 2))
    assert len(of_class(reader, "host")) == 4 + 1
    assert f"gpu0004{amounts.TO}gpu0007: 4 hosts alike" in reader.texts


def test_an_engine_of_many_hosts_says_which_it_does_not_draw():
    reader = read(documents.large(1000, 1))
    assert len(of_class(reader, "host")) == 8
    assert "… 993 more hosts" in reader.texts
    assert "like gpu0005" in reader.texts


def test_a_thousand_hosts_are_a_small_page_made_at_once():
    plan = documents.large()
    start = time.process_time()
    shown = page.as_html(plan)
    assert time.process_time() - start < 3
    assert len(shown) < 3_000_000
    assert all(f"{host}: s" in shown for host in plan["hosts"])
    assert "Not drawn: " in shown


def test_the_same_plan_gives_the_same_page():
    assert page.as_html(documents.large(50, 10)) == page.as_html(documents.large(50, 10))


def test_markup_escapes_children_and_attributes():
    assert element("p", "a<b", title='"x"') == '<p title="&quot;x&quot;">a&lt;b</p>'
    assert join("<", element("b", "&"), None, ["<", [">"]]) == "&lt;<b>&amp;</b>&lt;&gt;"


def test_gpus_that_nobody_has_are_named():
    plan = fleets.planned(fleets.service(replicas=1, gpus=2))
    assert "GPU 2-7 idle" in page.as_html(plan)
    whole = fleets.planned(fleets.service())
    assert " idle" not in page.as_html(whole)
