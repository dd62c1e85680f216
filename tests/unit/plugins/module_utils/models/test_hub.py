# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import hub

SNAPSHOT = hub.Snapshot("acme/tiny", "abc")


@pytest.fixture
def directory(tmp_path):
    """A complete download."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "weights").write_text("12345")
    (tmp_path / ".cache" / "huggingface").mkdir(parents=True)
    (tmp_path / ".cache" / "huggingface" / "x.incomplete").write_text("1")
    (tmp_path / hub.MARKER).write_text(hub.marker_text(SNAPSHOT, hub.file_sizes(tmp_path)))
    return tmp_path


def test_sizes_leave_out_what_is_no_part_of_the_model(directory):
    assert hub.file_sizes(directory) == {"config.json": 2, "sub/weights": 5}


def test_a_complete_download_misses_nothing(directory):
    assert hub.missing(SNAPSHOT, directory) is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"source": "acme/tiny", "revision": "abc"}'])
def test_without_a_marker_it_is_not_complete(directory, text):
    (directory / hub.MARKER).unlink()
    if text is not None:
        (directory / hub.MARKER).write_text(text)
    assert hub.missing(SNAPSHOT, directory) == "it was not downloaded completely"


@pytest.mark.parametrize("change", ["gone", "shorter"])
def test_a_damaged_file_is_named(directory, change):
    file = directory / "sub" / "weights"
    file.unlink()
    if change == "shorter":
        file.write_text("1")
    assert "sub/weights" in hub.missing(SNAPSHOT, directory)


@pytest.mark.parametrize("other", [hub.Snapshot("acme/tiny", "def"), hub.Snapshot("acme/other", "abc")])
def test_another_snapshot_is_not_this_one(directory, other):
    assert "acme/tiny at abc" in hub.missing(other, directory)


def test_a_file_added_by_hand_is_no_reason_to_download(directory):
    (directory / "note").write_text("x")
    assert hub.missing(SNAPSHOT, directory) is None


def test_the_command_line():
    assert hub.download_arguments("/bin/hf", SNAPSHOT, "/m") == [
        "/bin/hf",
        "download",
        "acme/tiny",
        "--local-dir",
        "/m",
        "--revision",
        "abc",
    ]
    assert "--revision" not in hub.download_arguments("/bin/hf", hub.Snapshot("a/b", None), "/m")


def test_a_mirror_is_asked_for_plain_files():
    assert hub.download_variables("https://mirror.example", None)["HF_HUB_DISABLE_XET"] == "1"
    assert not {"HF_ENDPOINT", "HF_HUB_DISABLE_XET", "HF_TOKEN"} & set(hub.download_variables(None, None))
    assert hub.download_variables(None, "s")["HF_TOKEN"] == "s"


# What hf 2.4.0 prints
@pytest.mark.parametrize(
    ("output", "fix"),
    [
        ("Error: Revision not found in model 'acme/tiny'.", "correct the revision"),
        ("Error: Model 'acme/nosuch' not found.\nIf the repo is private, ...", "correct the name"),
        ("RepositoryNotFoundError: 404 Client Error.\nRepository Not Found for url: http://x", "correct the name"),
        ("Error: Local entry not found. [Errno 111] Connection refused", "reach the hub"),
        ("OSError: [Errno 28] No space left on device", "disk space"),
    ],
)
def test_a_failure_names_the_fix(output, fix):
    text = hub.explain(output + "\nHint: set HF_DEBUG=1 as environment variable for full traceback.\n")
    assert output in text
    assert "HF_DEBUG" not in text
    assert fix in text.partition("Fix: ")[2]


def test_a_traceback_is_cut_to_what_it_says():
    output = (
        'Traceback (most recent call last):\n  File "/x.py", line 1, in y\n    raise z\nConnectError: refused\n'
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/x.py", line 2, in y\n    raise z\n'
        "DryRunError: Dry run cannot be performed as the repository cannot be accessed.\n"
    )
    assert hub.explain(output) == (
        "DryRunError: Dry run cannot be performed as the repository cannot be accessed.\n"
        "Fix: let the host reach the hub, or set endpoint to the address of a mirror that it reaches."
    )
