# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures between the ranks of an engine: Ray, NCCL, a process or a host that went away."""

from __future__ import annotations

from .rule import rule

_RAY = "look at the Ray unit on the head and at the firewall between the members"

RULES = (
    rule(
        "ray_unsupported",
        r"current platform (?P<name>\w+) does not support ray",
        "the platform {name} cannot use Ray",
        "set executor to mp",
    ),
    rule(
        "ray_token",
        r"InvalidAuthToken",
        "Ray refuses the cluster's token",
        "give every member the same Ray token",
        permanent=False,
    ),
    rule(
        "ray_versions",
        r"Version mismatch: The cluster was started with:",
        "Ray's head has another Ray or Python, and refuses this host",
        "give all members the same environment and interpreter (to the patch release), by one run of site.yml",
        more=6,
    ),
    rule(
        "ray_unreachable",
        r"Failed to connect to Ray cluster|Could not find any running Ray instance|ray\.\S*ConnectionError",
        "the Ray head cannot be reached",
        _RAY,
        permanent=False,
    ),
    rule(
        "ray_no_gpus",
        r"Cannot provide a placement group|No available node types can fulfill",
        "the Ray cluster has not the GPUs that the engine asks for",
        "compare the Ray nodes and their GPUs with the plan",
        permanent=False,
    ),
    rule(
        "peer_unreachable",
        r"client socket has timed out after \d+ms while trying to connect to \((?P<peer>[^)]*)\)",
        "the engine's head at {peer} cannot be reached",
        "check that all members run and reach each other's ports",
        permanent=False,
    ),
    rule(
        "peer_unreachable",
        r"connectFullMesh failed|DistNetworkError: ",
        "a member of the engine cannot be reached",
        "check that all members run and reach each other's ports",
        permanent=False,
    ),
    rule(
        "nccl",
        r"NCCL error|ncclSystemError|ncclUnhandledCudaError|ncclInternalError|ncclRemoteError",
        "the GPUs' communication library (NCCL) failed",
        "run again with NCCL_DEBUG=INFO; check the interface and the fabric",
        permanent=False,
    ),
    rule(
        "peer_unreachable",
        r"TCP client failed to connect/validate to host (?P<peer>\S+)",
        "the engine's head at {peer} cannot be reached",
        "check that all members run and reach each other's ports",
        permanent=False,
        weak=True,
    ),
    rule(
        "step_timeout",
        r"RPC call to (?P<name>\w+) timed out",
        "a rank did not answer {name} in time",
        "look at the other members' units; a dead host shows up like this",
        permanent=False,
        weak=True,
    ),
    rule(
        "process_died",
        r"(?:Engine core proc(?:ess)? \S+|\w*[Ww]orker\w* proc \S+|RayWorkerProc rank=\S+) died unexpectedly"
        r"|engine core exited unexpectedly",
        "one of the engine's processes was killed or crashed",
        "look for the kernel's memory killer: journalctl -k --grep 'Out of memory'",
        permanent=False,
        weak=True,
    ),
    rule(
        "ray_unreachable",
        r"Failed to connect to GCS at address (?P<addr>\S+)",
        "the Ray head at {addr} cannot be reached",
        _RAY,
        permanent=False,
        weak=True,
    ),
)
