# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import struct
import zipfile

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import checkpoint, safetensors
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError
from hypothesis import given, settings
from hypothesis import strategies as st

TENSORS = [
    safetensors.Tensor("a", (2, 3), b"\0" * 12),
    safetensors.Tensor("b", (4,), b"\1" * 8),
    safetensors.Tensor("empty", (0, 7), b""),
]
FILE = safetensors.serialize(TENSORS)


def header(tmp_path, content):
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    return checkpoint.safetensors_header(str(file))


def refusal(tmp_path, content):
    with pytest.raises(ModelError) as caught:
        header(tmp_path, content)
    assert caught.value.path == "model.safetensors"
    assert caught.value.fix
    return caught.value.rule


def with_header(entries, data=b""):
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_a_file_as_libraries_write_it(tmp_path):
    found = header(tmp_path, FILE)
    assert found.size == len(FILE)
    assert found.tensor_bytes == 20
    assert found.tensors == {"a", "b", "empty"}


def test_the_size_is_the_header_s_and_not_the_file_s(tmp_path):
    assert header(tmp_path, FILE[:-5]).size == len(FILE)
    assert header(tmp_path, FILE + b"more").size == len(FILE)


def test_blanks_behind_the_header_count(tmp_path):
    text = json.dumps({}).encode() + b"   "
    assert header(tmp_path, struct.pack("<Q", len(text)) + text).size == 8 + len(text)


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [
        ("BF16", [4], 8),
        ("F32", [2, 2], 16),
        ("F8_E4M3", [3, 5], 15),
        ("I64", [], 8),
        ("BOOL", [9], 9),
        ("F4", [2, 4], 4),
        ("U8", [0], 0),
    ],
)
def test_kinds_of_numbers(tmp_path, dtype, shape, size):
    entries = {"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}
    assert header(tmp_path, with_header(entries)).tensor_bytes == size


def entry(begin, end, **changes):
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end], **changes}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is only 0 bytes long"),
        (FILE[:7], "is only 7 bytes long"),
        (FILE[:40], "has a header that runs past its end"),
        (struct.pack("<Q", 2**63) + b"{}", "has a header that runs past its end"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "has a header that runs past its end"),
        (struct.pack("<Q", 3) + b"{x}", "has a header that is not JSON"),
        (struct.pack("<Q", 3) + b"\xff\xfe\xfd", "has a header that is not JSON"),
        (with_header([1]), "has a header that is not a JSON object"),
        (with_header({"x": 1}), "is a tensor without a shape and two offsets"),
        (with_header({"x": entry(0, 4, shape=[-4])}), "is a tensor without a shape and two offsets"),
        (with_header({"x": entry(0, 4, data_offsets=[0])}), "is a tensor without a shape and two offsets"),
        (with_header({"x": entry(0, 4, data_offsets=[True, 4])}), "is a tensor without a shape and two offsets"),
        (with_header({"x": entry(0, 4, shape=[5])}), "is a tensor whose bytes do not fill its shape"),
        (with_header({"x": entry(4, 8, data_offsets=[8, 4])}), "is a tensor whose bytes do not fill its shape"),
        (with_header({"x": entry(0, 4, shape=[3])}), "is a tensor whose bytes do not fill its shape"),
        (with_header({"x": entry(0, 4, dtype="Q3")}), "is a kind of number that is not known"),
        (with_header({"x": entry(4, 8)}), "has a tensor that does not start where the last one ends (0)"),
        (
            with_header({"x": entry(0, 4), "y": entry(6, 8)}),
            "has a tensor that does not start where the last one ends (4)",
        ),
        (
            with_header({"x": entry(0, 4), "y": entry(2, 6)}),
            "has a tensor that does not start where the last one ends (4)",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "is a git-lfs pointer"),
    ],
)
def test_damage(tmp_path, content, rule):
    assert refusal(tmp_path, content).startswith(rule)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelError) as caught:
        checkpoint.safetensors_header(str(tmp_path / "none.safetensors"))
    assert "cannot be read" in caught.value.rule


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, len(FILE)))
def test_any_bytes(tmp_path_factory, noise, at):
    for content in (noise, FILE[:at] + noise + FILE[at:], struct.pack("<Q", len(noise)) + noise):
        file = tmp_path_factory.getbasetemp() / "noise.safetensors"
        file.write_bytes(content)
        try:
            assert checkpoint.safetensors_header(str(file)).size >= 8
        except ModelError:
            assert content[:8] != FILE[:8] or len(content) < len(FILE) or content[: len(FILE)] != FILE


class TestPickles:
    @pytest.fixture
    def archive(self, tmp_path):
        file = tmp_path / "pytorch_model.bin"
        with zipfile.ZipFile(file, "w") as content:
            content.writestr("archive/data.pkl", b"x" * 3000)
            content.writestr("archive/data/0", b"y" * 90_000)
        return file

    def test_a_whole_archive(self, archive):
        assert checkpoint.pickle_problem(str(archive)) == ""

    @pytest.mark.parametrize("cut", [1, 22, 100, 50_000])
    def test_one_that_is_cut_off(self, archive, cut):
        archive.write_bytes(archive.read_bytes()[:-cut])
        assert checkpoint.pickle_problem(str(archive)).startswith("is cut off")

    def test_something_behind_its_end(self, archive):
        archive.write_bytes(archive.read_bytes() + b"more")
        assert checkpoint.pickle_problem(str(archive)).startswith("is cut off, or has something behind")

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "is empty"),
            (b"version https://git-lfs.github.com/spec/v1\n", "is a git-lfs pointer and not the file itself"),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", ""),  # before PyTorch 1.6: says nothing of its length
        ],
    )
    def test_files_that_are_no_archives(self, tmp_path, content, problem):
        file = tmp_path / "pytorch_model.bin"
        file.write_bytes(content)
        assert checkpoint.pickle_problem(str(file)) == problem
