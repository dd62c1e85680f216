# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text back to what the tool printed: no terminal escapes, no control characters, plain line ends."""

from __future__ import annotations

import functools
import re

# What stands for the ESC byte after a terminal, a web form or a JSON log had it.
_ESC = r"(?:\x1b|\x9b|\u241b|\ufffd|\^\[|\\(?:x1[bB]|033|e(?=\[)|u001[bB])|&#(?:27|x1[bB]);|\bESC(?=\[))"
# The letter that ends a sequence. A cut sequence has none; then a G, C, D, N, P, S or X begins a word of the table.
_FINAL = r"(?:[mKJHABEFfhlsu]|[CDG](?![A-Za-z0-9]))"
_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # a window title
    rf"|{_ESC}+(?:\[[0-9;?]*{_FINAL}?|[0-9;]+m)?"
    r"|\[[0-9]{1,3}(?:;[0-9]{0,3})*m"  # the ESC byte is gone
    r"|\[[mK](?![a-z])"
    r"|\[[0-9;]*(?=[ \t]*$)"  # cut at the end of the line
    r"|(?<![A-Za-z0-9_])[0-9;]*m(?=GPU[0-9])"  # cut at its beginning
    r"|(?<=[0-9])0m(?=[ \t]*$)",
    re.MULTILINE,
)
BLANKS = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|&(?:nbsp|#160|#[xX][aA]0);")
# Tags of a web page's tables and line ends, as the ends of cells and lines that they are.
_TAGS = (
    (re.compile(r"</t[dh]>\s*", re.IGNORECASE), "\t"),
    (re.compile(r"(?:<br ?/?>|</tr>)\n?", re.IGNORECASE), "\n"),
    (re.compile(r"</?(?:table|tbody|thead|t[dhr])(?: [^<>\n]{0,200})?>", re.IGNORECASE), ""),
)
_BETWEEN = re.compile(r"['\"], ['\"]")  # two lines of a list
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200d\u2028\u2029\u2060\ufeff]")


@functools.lru_cache(maxsize=2)  # each reader cleans the text that it is given
def clean(text: str) -> str:
    """The text without escapes and control characters, lines ended by a newline.

    Takes escape sequences whole or damaged (no ESC byte, shown as a caret, cut in half), and text that was stored
    with its line ends and tabs spelled out, as a JSON string is, or as a list of its lines. Blanks of all kinds are
    plain blanks; the tags of a web page's table are tabs and line ends.
    """
    text = listed(text)
    spelled = text.count("\\n") > text.count("\n")
    if spelled:
        text = re.sub(r"(?:\\r)?\\n", "\n", text)
    if spelled or re.search(r"\bGPU[0-9]+\\t", text):  # elsewhere it may begin a name, as in a path of Windows
        text = text.replace("\\t", "\t")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<" in text:
        for tag, meaning in _TAGS:
            text = tag.sub(meaning, text)
    text = BLANKS.sub(" ", text)
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def listed(text: str) -> str:
    """The lines of a list that stands on one line (``['one', 'two']``), as programs print what they hold."""
    if not re.search(r"\[ *['\"]", text) or len(_BETWEEN.findall(text)) <= text.count("\n"):
        return text
    return _BETWEEN.sub("\n", text)


def number_list(text: str, limit: int = 4096) -> list[int] | None:
    """The numbers of a list such as ``0,2-8``, or None where it is no such list or has more than ``limit``."""
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part)
        if found is None:
            return None
        first = int(found[1])
        last = int(found[2] or first)
        if last < first or len(numbers) + last - first >= limit:
            return None
        numbers.extend(range(first, last + 1))
    return numbers


def number_text(numbers: list[int]) -> str:
    """``GPU0, GPU1 and GPU5`` for a message."""
    names = [f"GPU{number}" for number in numbers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
