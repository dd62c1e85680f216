# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NIXL that looks for transfers a thousand times a second, where it would do nothing else all the time."""

from __future__ import annotations

import sys
import typing as t

from vllm.distributed import nixl_utils

_PAUSE_US = 1000


def pause() -> None:
    """Let the thread of each agent made from now on pause between two looks.

    nixl 1.5 has the setting, and its Python part sets it to 0: an idle engine keeps a core busy. On a host with GPUs
    cores are plenty; a lab has four engines on fewer.
    """
    bindings = sys.modules[nixl_utils.NixlWrapper.__module__].nixlBind
    make = bindings.nixlAgent

    def agent(name: str, config: t.Any) -> t.Any:
        config.pthrDelay = _PAUSE_US
        return make(name, config)

    bindings.nixlAgent = agent
