# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as found.read tells of them, and what is decided for them."""

from __future__ import annotations

from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import decide, hardware, wanted
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import Refusals

OS = {
    "ubuntu2204": {"id": "ubuntu", "version": "22.04", "name": "Ubuntu 22.04"},
    "ubuntu2404": {"id": "ubuntu", "version": "24.04", "name": "Ubuntu 24.04"},
    "ubuntu2604": {"id": "ubuntu", "version": "26.04", "name": "Ubuntu 26.04"},
    "debian12": {"id": "debian", "version": "12", "name": "Debian 12"},
    "debian13": {"id": "debian", "version": "13", "name": "Debian 13"},
    "rhel8": {"id": "rocky", "version": "8.10", "name": "Rocky 8.10"},
    "rhel9": {"id": "almalinux", "version": "9.6", "name": "AlmaLinux 9.6"},
    "rhel10": {"id": "rhel", "version": "10.0", "name": "RHEL 10.0"},
}
KERNEL = "6.1.0-30-amd64"
CUDA13 = {
    "path": "vllm_services[0]",
    "release": "0.32.0",
    "cuda": "13.0",
    "minimum": "580.65.06",
    "required": True,
    "container": False,
}
CUDA12 = {**CUDA13, "release": "0.16.0", "cuda": "12.8", "minimum": "525.60.13"}
H100, A100, V100, B200, P40, T4 = "0x2330", "0x20b0", "0x1db6", "0x2901", "0x1b38", "0x1eb8"
AT_WORK = {
    "nvidia-open": "580.95.05-1",
    "nvidia-kernel-open-dkms": "580.95.05-1",
    "libcuda1": "580.95.05-1",
    "nvidia-persistenced": "580.95.05-1",
}


def host(*devices, system="debian12", packages=None, **changes):
    """What a host has: GPUs by their device ids; bare, unless told otherwise."""
    gpus = [
        {"address": f"0000:{at:02x}:00.0", "device": device, "generation": hardware.generation(device)}
        for at, device in enumerate(devices)
    ]
    return {
        "gpus": gpus,
        "switches": [],
        "nvlink_management": False,
        "mellanox": False,
        "machine": "x86_64",
        "kernel": KERNEL,
        "os": OS.get(system, {"id": system, "version": "1", "name": system}),
        "container": False,
        "secure_boot": False,
        "loaded": None,
        "nouveau": False,
        "peermem": False,
        "headers": True,
        "packages": packages or {},
        "held": [],
        "pinned": False,
        "dkms": [],
        "sources": {},
        "ours": [],
        "engines": [],
        "users": [],
        "smi": None,
        "persistenced": False,
        "docker": False,
        **changes,
    }


def at_work(*devices, version="580.95.05", packages=None, **changes):
    """A host whose driver works."""
    installed = dict.fromkeys(packages or AT_WORK, f"{version}-1")
    smi = {"status": 0, "version": version, "gpus": len(devices)}
    ready = {"loaded": version, "smi": smi, "persistenced": True}
    return host(*devices, packages=installed, **{**ready, **changes})


def plan(found, needs=(CUDA13,), **settings):
    """The plan; refusals are an error."""
    decided, refusals = both(found, needs, **settings)
    assert not refusals, [str(item) for item in refusals]
    return decided


def both(found, needs=(CUDA13,), **settings):
    """The plan and the refusals."""
    refusals = Refusals()
    want = wanted.read(settings, needs, refusals)
    return (None if refusals else decide.decide(want, found, refusals)), refusals.refusals


def refused(found, needs=(CUDA13,), **settings):
    """The one refusal."""
    (only,) = both(found, needs, **settings)[1]
    assert only.fix
    assert only.path.startswith(("vllm_nvidia_", "vllm_services["))
    return only


def asked(decided):
    """The variables whose consent is missing."""
    return [item["path"].replace("vllm_nvidia_", "") for item in decided["asks"]]
