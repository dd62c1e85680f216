# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a front door, as items of the plan's ``hosts.<host>.units``."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from . import command, places
from .settings import Router

#: The variable from which vllm-router takes the key that it sends to prefill and decode engines.
_KEY_VARIABLE = "OPENAI_API_KEY"
_NGINX = "/usr/sbin/nginx"


def units(router: Router) -> list[dict[str, t.Any]]:
    """vllm-router's and nginx's, either of which may restart without the other; before them what follows Mooncake."""
    follow = [_follow_unit(router)] if follows(router) else []
    return [*follow, _router_unit(router), _door_unit(router)]


def follows(router: Router) -> bool:
    """Whether vllm-router must restart when a prefill engine did (follow.py)."""
    return router.connector == "mooncake"


def nginx_argv(config: str, prefix: str, pid: str) -> list[str]:
    """nginx with a configuration of ours. prefix: the folder of its temporary files. pid: its pid file."""
    return [_NGINX, "-p", f"{prefix}/", "-c", config, "-g", f"pid {pid};"]


def _router_unit(router: Router) -> dict[str, t.Any]:
    return _unit(
        router,
        name=places.router_unit(router.service),
        description=f"vllm-router of vLLM service {router.service}",
        kind="router",
        user=router.user,
        exec=command.argv(router),
        secrets={_KEY_VARIABLE: router.engine_key} if router.engine_key and router.mode == "pd" else {},
        ports={"router": router.ports.router, "metrics": router.ports.metrics},
        listen="127.0.0.1",
        stop_timeout_s=router.timeouts.drain,
        restart_with=[places.follow_unit(router.service)] if follows(router) else [],
    )


def _follow_unit(router: Router) -> dict[str, t.Any]:
    urls = []
    for worker in router.of_kind("prefill"):
        host = urlsplit(worker.url).hostname or ""
        urls.append(f"http://{f'[{host}]' if ':' in host else host}:{worker.bootstrap_port}")
    return _unit(
        router,
        name=places.follow_unit(router.service),
        description=f"Restarts vllm-router of {router.service} after its prefill engines",
        kind="follow",
        user=router.user,
        exec=[f"{router.environment}/bin/python", "-I", places.FOLLOW, *urls],
        secrets={},
        ports={},
        listen=None,
        stop_timeout_s=5,
    )


def _door_unit(router: Router) -> dict[str, t.Any]:
    service = router.service
    arguments = nginx_argv(
        places.config(service), places.cache_dir(service), f"{places.runtime_dir(service)}/nginx.pid"
    )
    return _unit(
        router,
        name=places.door_unit(service),
        description=f"Front door of vLLM service {service}",
        kind="door",
        # Root, to read the keys and TLS's, and to listen below port 1024; its processes that talk run as router.user.
        user=None,
        exec=[*arguments[:-1], f"{arguments[-1]} daemon off;"],
        secrets={},
        ports={"door": router.port},
        listen=router.address,
        scheme="https" if router.tls else None,
        stop_timeout_s=router.timeouts.drain + 5,
    )


def _unit(router: Router, **own: t.Any) -> dict[str, t.Any]:
    return {
        "service": router.service,
        "engine": None,
        "runtime": "env",
        "exec_start_pre": [],
        "exec_stop": [],
        "environment": {},
        "limits": {"nofile": str(max(65536, 8 * router.limits.connections))},
        "start_timeout_s": 60,
        "restart_with": [],
        "devices": [],
        "health_url": None,
        "served_model_name": None,
        "scheme": None,
        **own,
    }
