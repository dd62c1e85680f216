# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text of network tools back to what they printed."""

from __future__ import annotations

import html
import re

from ..topology.text import clean

#: What may stand before the first word of a line: blanks, a mark of quotation, the end of a log's prefix.
START = r"(?:^|(?<=[\s|>\]:\"]))"


def plain(text: str) -> str:
    """The text without escapes and without the marks that web pages and Markdown put around words."""
    return unescaped(clean(text).replace("**", ""))


def unescaped(text: str) -> str:
    """The text of a web page's source."""
    return html.unescape(text) if re.search(r"&(?:[lg]t|quot|#[0-9x]{2,3});", text) else text
