# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints this machine's pip settings as shell assignments for uv.

uv reads no pip configuration, so a mirror, a local folder of wheels or a private CA would be lost on the way.
Variables that are already set win.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import typing as t

# pip's option -> uv's variable and what joins its values
UV: dict[str, tuple[str, str]] = {
    "index-url": ("UV_DEFAULT_INDEX", ""),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", ""),
    "timeout": ("UV_HTTP_TIMEOUT", ""),
    "default-timeout": ("UV_HTTP_TIMEOUT", ""),
    "no-index": ("UV_NO_INDEX", ""),
    "proxy": ("ALL_PROXY", ""),
}


def settings(listing: str) -> dict[str, str]:
    """The effective options in the text of ``pip config list``: name without section -> value.

    pip lists its files from the weakest to the strongest, and the environment (``:env:``) before them, yet lets
    the environment win.
    """
    found: dict[str, str] = {}
    environment: dict[str, str] = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _dot, option = name.strip().rpartition(".")
        if equals and section in ("global", "install", ":env:"):
            target = environment if section == ":env:" else found
            target[option] = str(ast.literal_eval(value.strip()))
    return {**found, **environment}


def variables(options: t.Mapping[str, str]) -> dict[str, str]:
    """What uv needs in its environment to act on these options."""
    wanted: dict[str, str] = {}
    for option, value in options.items():
        if option in UV:
            name, separator = UV[option]
            wanted[name] = separator.join(value.split()) if separator else value
    if "UV_INDEX" in wanted:
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does: the best version of all indexes
    return wanted


def options() -> dict[str, str]:
    """The settings that the pip of this interpreter acts on."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    return settings(listing.stdout)


def main() -> None:
    """Print one ``export`` a line."""
    for name, value in sorted(variables(options()).items()):
        if name not in os.environ:
            print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
