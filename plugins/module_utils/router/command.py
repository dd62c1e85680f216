# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of vllm-router for a front door."""

from __future__ import annotations

import typing as t

from .settings import Router

#: Fields that vllm-router adds to a request's body.
_ADDED_BYTES = 64 * 1024
#: An answer that began is never tried again; one that did not, on this many workers.
_TRIES = 3
_START_TIMEOUT_S = 600


def argv(router: Router) -> list[str]:
    """As release 0.1.17 takes it.

    It listens on loopback alone: whoever reaches it may call the engines and, without a key, remove them.
    In mode pd it starts only when at least one prefill and one decode engine answer; until then nginx asks the engines.
    """
    return [
        f"{router.environment}/bin/vllm-router",
        *_options(
            {
                "host": "127.0.0.1",
                "port": router.ports.router,
                "prometheus-host": "127.0.0.1",
                "prometheus-port": router.ports.metrics,
                "policy": router.policy,
                "prefill-policy": router.prefill_policy,
                "decode-policy": router.decode_policy,
                "kv-connector": router.connector,
                "max-payload-size": router.limits.body_bytes + _ADDED_BYTES,
                "request-timeout-secs": router.timeouts.request,
                "retry-max-retries": _TRIES,
                # One that answers a few times with an error is left out for as long as it takes to look at it again.
                "cb-failure-threshold": _TRIES,
                "cb-timeout-duration-secs": 2 * router.health.interval,
                "health-check-interval-secs": router.health.interval,
                "health-check-timeout-secs": router.health.timeout,
                "health-failure-threshold": router.health.failures,
                "health-success-threshold": router.health.successes,
                "worker-startup-check-interval": router.health.interval,
                "worker-startup-timeout-secs": _START_TIMEOUT_S,
                "request-id-headers": "x-request-id",
                "log-level": "warning",
            }
        ),
        *_workers(router),
    ]


def _options(values: t.Mapping[str, t.Any]) -> list[str]:
    return [word for name, value in values.items() if value is not None for word in (f"--{name}", str(value))]


def _workers(router: Router) -> list[str]:
    if router.mode == "replicas":
        return ["--worker-urls", *(worker.url for worker in router.workers)]
    words = ["--vllm-pd-disaggregation"]
    for worker in router.of_kind("prefill"):
        words += ["--prefill", worker.url]
        words += [str(worker.bootstrap_port)] if worker.bootstrap_port is not None else []
    for worker in router.of_kind("decode"):
        words += ["--decode", worker.url]
    return words
