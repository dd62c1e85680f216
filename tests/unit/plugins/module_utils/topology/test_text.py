# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text, cleaned."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.topology.text import clean, number_list, number_text
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[4mGPU0\x1b[0m", "GPU0"),
        ("\x1b[1;31mindex\x1b[m, name", "index, name"),
        ("[1;31mindex[0m, name", "index, name"),
        ("^[[4mGPU0^[[0m", "GPU0"),
        ("\\u001b[4mGPU0\\u001b[0m", "GPU0"),
        ("\\033[4mGPU0\\e[0m", "GPU0"),
        ("&#27;[4mGPU0", "GPU0"),
        ("\ufffd[4mGPU0\ufffd[0m", "GPU0"),
        ("\x1b[4GPU0", "GPU0"),
        ("\x1b]0;a title\x07GPU0", "GPU0"),
        ("4mGPU0", "GPU0"),
        ("GPU0\tGPU10m", "GPU0\tGPU1"),
        ("GPU NUMA ID[0", "GPU NUMA ID"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\ufeffa\x00b\u200b", "ab"),
        ("[INFO] [N/A] [MiB] 10m [pod/a]", "[INFO] [N/A] [MiB] 10m [pod/a]"),
        ("a\\tb\\nc", "a\tb\nc"),
        ("C:\\new\nC:\\tools\n", "C:\\new\nC:\\tools\n"),
        ("a\u00a0b&nbsp;c\u3000d", "a b c d"),
        ("GPU0\\tX\nGPU1\\tSYS\n", "GPU0\tX\nGPU1\tSYS\n"),
        ("<td>a</td> <td>b</td></tr>\nc<br>", "a\tb\t\nc\n"),
        ("['a', 'b']", "['a\nb']"),
        ('index, "a", "b"', 'index, "a", "b"'),
    ],
)
def test_clean(text, cleaned):
    assert clean(text) == cleaned


@given(st.text(alphabet=st.sampled_from("GPU0123456789 XSYNV\t\n,-/:.()"), max_size=80))
def test_what_is_clean_stays(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", [0]), ("0,2-4", [0, 2, 3, 4]), ("3-1", None), ("", None), ("0,", None), ("a", None), ("0-99999", None)],
)
def test_number_list(text, numbers):
    assert number_list(text) == numbers


def test_number_text():
    assert [number_text([1]), number_text([0, 1, 5])] == ["GPU1", "GPU0, GPU1 and GPU5"]
