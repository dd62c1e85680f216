# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the parts of a front door are on its host, and what its units are called."""

from __future__ import annotations

#: One folder a front door, readable for root alone.
CONFIG_DIR = "/etc/vllm/routers"
#: The files in it: the configuration, and what it includes of secrets.
CONFIG, KEYS = "nginx.conf", "keys.conf"


#: The program of the unit that follows prefill engines; written where a door needs it.
FOLLOW = "/usr/local/lib/vllm-cluster/vllm-follow.py"


def router_unit(service: str) -> str:
    """The unit of vllm-router."""
    return f"vllm-{service}-router.service"


def door_unit(service: str) -> str:
    """The unit of nginx."""
    return f"vllm-{service}-door.service"


def follow_unit(service: str) -> str:
    """The unit that restarts vllm-router's when a prefill engine of Mooncake is a new one."""
    return f"vllm-{service}-follow.service"


def config(service: str) -> str:
    """nginx's configuration."""
    return f"{CONFIG_DIR}/{service}/{CONFIG}"


def runtime_dir(service: str) -> str:
    """Made by systemd (RuntimeDirectory=): nginx's pid file."""
    return f"/run/vllm-{service}-door"


def cache_dir(service: str) -> str:
    """Made by systemd (CacheDirectory=): request bodies that do not fit into memory, while they are sent on."""
    return f"/var/cache/vllm-{service}-door"
