# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources, their directories, the choice of files, progress, and what hosts hold together."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import (
    agreement,
    curl,
    listing,
    rsync,
    sources,
    web,
)
from ansible_collections.vllm.cluster.plugins.module_utils.downloads.errors import DownloadError
from ansible_collections.vllm.cluster.plugins.module_utils.downloads.listing import RemoteFile

COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("gpt2", "hub", "gpt2"),
        ("Qwen/Qwen2.5-7B", "hub", "Qwen/Qwen2.5-7B"),
        ("modelscope://Qwen/Qwen2.5-7B", "modelscope", "Qwen/Qwen2.5-7B"),
        ("s3://bucket/a/b/", "s3", "s3://bucket/a/b"),
        ("http://files:8080/a", "web", "http://files:8080/a"),
        ("rsync://host/models/a", "rsync", "rsync://host/models/a"),
        ("ssh://me@host:2222/srv/a", "rsync", "ssh://me@host:2222/srv/a"),
    ],
)
def test_sources(text, kind, name):
    assert sources.parse(text) == sources.Source(kind, name)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/srv/m",
            "a/b/c",
            "-a/b",
            "../b",
            "a b",
            "modelscope://b",
            "modelscope://a/../b",
            "ftp://h/m",
            "s3:///m",
        ),
        *("https://", "https://u@h/m", "https://h/m?x=1", "https://h/m#x", "https://h/m\n", "https://h:x/m"),
        *(
            "ssh://-oProxyCommand=x/m",
            "ssh://-l@h/m",
            "ssh://u:p@h/m",
            "rsync://h/",
            "http://h/a/../b",
            "http://h/$(x)",
        ),
    ],
)
def test_what_is_no_source(text):
    with pytest.raises(sources.BadSource) as caught:
        sources.parse(text)
    assert caught.value.fix


def test_directories_tell_their_content_and_never_meet():
    none = ((), ())
    assert sources.folder("Qwen/Qwen2.5-7B", None, False, none) == "Qwen--Qwen2.5-7B"
    assert sources.folder("Qwen/Qwen2.5-7B", "v1", False, none) == "Qwen--Qwen2.5-7B@v1"
    wanted = [
        *[("a/b", revision, False, none) for revision in (None, "v1", "v/1", "v--1", COMMIT)],
        *[("a/b", None, True, none), ("a/b", None, False, (("*.json",), ())), ("a/b", None, False, ((), ("*.json",)))],
        *[
            (text, None, False, none)
            for text in ("a/b--c", "a--b/c", "a--b", "modelscope://a/b", "s3://a/b", "https://a/b")
        ],
        *[(f"https://a/{'b' * 300}{tail}", None, False, none) for tail in "12"],
    ]
    found = [sources.folder(*item) for item in wanted]
    assert len(set(found)) == len(wanted)
    assert all(len(name) < 200 and "/" not in name for name in found)


FILES = [
    RemoteFile(path, size)
    for path, size in (
        ("config.json", 1),
        ("model.safetensors", 10),
        ("onnx/model.onnx", 5),
        ("original/params.json", 2),
        ("pytorch_model-00001-of-00002.bin", 7),
    )
]


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ((), (), ["config.json", "model.safetensors", "onnx/model.onnx", "original/params.json"]),
        ((), ("onnx/*", "original/"), ["config.json", "model.safetensors"]),
        (("*.json",), (), ["config.json", "original/params.json"]),
        (("*.bin", "config.json"), (), ["config.json", "pytorch_model-00001-of-00002.bin"]),
    ],
)
def test_the_choice_of_files(include, exclude, left):
    assert [file.path for file in listing.select(FILES, include, exclude, "a/b").files] == left


def test_pickled_weights_stay_where_there_are_no_others():
    pickled = [FILES[0], FILES[4]]
    assert len(listing.select(pickled, (), (), "a/b").files) == 2


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "a\nb"])
def test_a_path_that_leads_out_is_refused(path):
    with pytest.raises(DownloadError, match="outside of its own folder"):
        listing.select([RemoteFile(path, 1)], (), (), "a/b")


def test_sums():
    digest = "A" * 64
    assert web.sums(f"{digest}  ./a b\n{digest} *c/d\n\n", "x") == dict.fromkeys(("a b", "c/d"), "sha256:" + "a" * 64)
    with pytest.raises(DownloadError, match="line 1"):
        web.sums("<html>", "x")


def test_curl_and_rsync_are_told_names_as_they_are():
    assert curl._quoted('a"b\\c') == '"a\\"b\\\\c"'
    rules = rsync._filters([RemoteFile("a/b/c[1].json", 1), RemoteFile("a/d\\e", 1)])
    assert rules == "+ /a/\n+ /a/b/\n+ /a/b/c\\[1].json\n+ /a/d\\e\n- *\n"


def told(name, *, commit=None, digest=None, kind="hub", revision=None):
    wanted = {"source": name, "kind": kind, "revision": revision, "dataset": False, "token": None, "name": name}
    return {"path": f"/m/{name}", "wanted": wanted, "changed": digest is None, "commit": commit, "digest": digest}


def test_a_commit_that_a_host_has_is_taken_and_others_are_asked_for():
    found = {
        "one": {
            "models": [
                told("a", commit=COMMIT, digest="1"),
                told("b"),
                told("c", revision=COMMIT),
                told("d", kind="web"),
            ]
        },
        "two": {"models": [told("a"), told("b"), told("e", commit=COMMIT, digest="1")]},
    }
    commits, unknown = agreement.commits(found)
    assert commits == {"a": COMMIT}
    assert [model["source"] for model in unknown] == ["b"]


def test_different_files_are_told_with_their_hosts():
    same = {"one": {"models": [told("a", digest="1")]}, "two": {"models": [told("a", digest="1"), told("b")]}}
    assert agreement.fault(same) is None
    fault = agreement.fault({**same, "three": {"models": [told("a", digest="2")]}})
    for word in ("a: hosts hold different files", "one /m/a, two /m/a: 1", "three /m/a: 2", "Fix: name a revision"):
        assert word in fault
