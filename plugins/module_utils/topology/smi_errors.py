# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nvidia-smi says when it fails, what that means, and what to do."""

from __future__ import annotations

import dataclasses
import re

from .text import clean


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """id: stable. message: what is wrong. fix: what to do. evidence: the line that says so. gpu: its bus address."""

    id: str
    message: str
    fix: str
    evidence: str
    gpu: str | None = None


@dataclasses.dataclass(frozen=True)
class _Rule:
    id: str
    pattern: str
    message: str
    fix: str
    #: Exit statuses of nvidia-smi that mean the same (its manual, "Return Value", and NVML's error numbers).
    statuses: tuple[int, ...] = ()


_ACCESS = (
    "Run it as root, or give the user access to /dev/nvidia*; in a container, check its devices and SELinux labels."
)
_RULES = (
    _Rule(
        "nvml_version_mismatch",
        r"Driver/library version mismatch",
        "The loaded kernel module and the driver's libraries are of different versions: the driver was updated "
        "while its old module was in use.",
        "Reboot the host; or stop everything that uses the GPUs, unload the nvidia modules and load them again.",
        (18,),
    ),
    _Rule(
        "gpu_lost",
        r"GPU is lost|fallen off the bus",
        "A GPU has dropped off the PCIe bus (Xid 79 in the kernel's log).",
        "Drain the host and power it off and on. If the GPU is lost again, check its power, cooling and seat, "
        "then have it replaced.",
        (15,),
    ),
    _Rule(
        "gpu_reset_required",
        r"GPU requires (?:a )?reset|requires a reset before it can be used",
        "A GPU stopped after an error that it cannot recover from.",
        "Stop everything that uses it and run nvidia-smi --gpu-reset -i with its index, or reboot; dmesg has its Xid.",
        (16,),
    ),
    _Rule(
        "driver_not_loaded",
        r"couldn.t communicate with the NVIDIA driver|NVIDIA driver is not (?:loaded|running)|Driver Not Loaded",
        "nvidia-smi is installed, but the kernel has no NVIDIA driver loaded.",
        "Run modprobe nvidia and read dmesg. Usual causes: the module was not built for the running kernel "
        "(install its headers, rebuild with dkms), nouveau is loaded, or Secure Boot refuses an unsigned module.",
        (9,),
    ),
    _Rule(
        "library_not_found",
        r"couldn.t find libnvidia-ml|libnvidia-ml\.so\S*: cannot open shared object|"
        r"NVML Shared Library (?:couldn't be|Not) found|NVML: Shared Library Not Found",
        "The driver's library libnvidia-ml.so is missing.",
        "Install the driver's compute libraries of the same version as its kernel module; in a container, start it "
        "with the NVIDIA container toolkit.",
        (12,),
    ),
    _Rule(
        "blocked_by_system",
        r"GPU access blocked by the operating system|blocked by the operating system/cgroups",
        "The operating system keeps this process from the GPUs: a container without their devices, a device "
        "cgroup, or WSL whose Windows host has no working driver.",
        "In a container, pass the GPUs in with the NVIDIA container toolkit. In WSL, update or repair the driver "
        "on Windows and run wsl --shutdown. On a bare host, check that /dev/nvidia* exist.",
        (17,),
    ),
    _Rule(
        "insufficient_permissions",
        r"(?<!\[)Insufficient Permissions",
        "This user may not open the GPUs' device files.",
        _ACCESS,
        (4,),
    ),
    _Rule(
        "external_power",
        r"external power (?:cables? )?(?:are |is )?not (?:properly )?attached|insufficient external power|"
        r"insufficiently powered",
        "A GPU lacks its external power.",
        "Attach the GPU's power cables.",
        (8,),
    ),
    _Rule(
        "gpu_handle",
        r"Unable to determine the device handle for",
        "The driver knows a GPU but cannot talk to it.",
        "Read dmesg for NVRM and Xid lines of that address. Reboot; if it stays, check the GPU's seat and power, "
        "Secure Boot (an unsigned module) and the firmware's settings for large BARs.",
    ),
    _Rule(
        "nvml_unknown_error",
        r"Failed to initialize NVML: Unknown Error",
        "NVML does not start. In a container this usually means that it lost its GPU devices, as systemd's "
        "daemon-reload does to containers with the systemd cgroup driver; on a host, that the driver is not usable.",
        "In a container, start it again, and pass the GPUs by CDI so that it does not come back. On a host, check "
        "that the nvidia module is loaded and that /dev/nvidiactl exists; read dmesg.",
    ),
    _Rule(
        "nvml_not_started",
        r"Failed to initialize NVML(?!: No supported GPUs)",
        "NVML does not start.",
        "Check that the nvidia module is loaded, that /dev/nvidiactl exists, and read dmesg.",
    ),
    _Rule(
        "topology_failed",
        r"Failed to run topology matrix",
        "nvidia-smi could not make the link matrix. Known causes: a software RDMA device such as siw_* that it "
        "takes for a NIC, or a container whose processor set or /sys does not fit the host.",
        "Run it on the host outside containers; remove software RDMA devices (rdma link delete) and try again.",
    ),
    _Rule(
        "no_devices",
        r"No devices (?:were )?found|No supported GPUs were found",
        "The driver runs but finds no GPU that it can start.",
        "Check lspci -d 10de: and dmesg for RmInitAdapter and NVRM lines: the GPU may be of a generation that this "
        "driver (or its open module) does not support, bound to vfio-pci, or failing. In a VM, check the "
        "pass-through.",
        (6,),
    ),
    _Rule(
        "interrupt_issue",
        r"interrupt issue with a GPU",
        "The kernel has trouble with a GPU's interrupts.",
        "Read dmesg; update the host's firmware; move the GPU to another slot.",
        (10,),
    ),
    _Rule(
        "inforom_corrupted",
        r"info ?ROM is corrupted",
        "A GPU's information ROM is damaged; it runs, but its data (ECC counts, serial number) is not to be trusted.",
        "Reboot; if the message stays, have the GPU replaced.",
        (14,),
    ),
    _Rule(
        "bad_query",
        r"is not a valid field to query|Invalid combination of input arguments|is not a valid option|"
        r"doesn't implement this function",
        "This version of nvidia-smi does not know what it was asked.",
        "Update the driver, or ask for the fields that nvidia-smi --help-query-gpu lists.",
        (2, 13),
    ),
    _Rule(
        "not_installed",
        r"nvidia-smi['\"]?(?::| is)? (?:(?:command |currently )?not (?:found|installed)|No such file or directory)|"
        r"'nvidia-smi' is not recognized|(?:command not found|unknown command): ['\"]?nvidia-smi|"
        r"\"nvidia-smi\": executable file not found",
        "nvidia-smi is not installed, or not on this process's PATH.",
        "Install the NVIDIA driver; in a container, start it with the NVIDIA container toolkit.",
        (127,),
    ),
)
_ANY_RULE = re.compile("|".join(f"(?:{rule.pattern})" for rule in _RULES), re.IGNORECASE)
#: Drivers write ``GPU 0000:3B:00.0`` and ``GPU0000:3B:00.0``.
_BUS = re.compile(r"(?:\b|(?<=GPU))(?:[0-9A-Fa-f]{4,8}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]\b")
#: coreutils timeout: stopped, killed.
_TIMED_OUT = (124, 137)


def diagnose(text: str, status: int | None = None) -> list[Diagnosis]:
    """What the text of a failing nvidia-smi means, in the order of its lines, most precise for each; [] for none.

    status: its exit status, which decides where the text says nothing. A status other than 0 is always diagnosed.
    """
    found: list[Diagnosis] = []
    text = clean(text)
    library = re.search(r"NVML library version: [0-9.]+", text)
    for line in text.split("\n") if _ANY_RULE.search(text) else ():
        rule = next((rule for rule in _RULES if re.search(rule.pattern, line, re.IGNORECASE)), None)
        if rule is None:
            continue
        bus = _BUS.search(line)
        evidence = line.strip()[:300]
        if rule.id == "nvml_version_mismatch" and library is not None:
            evidence += f" ({library.group()})"
        diagnosis = Diagnosis(rule.id, rule.message, rule.fix, evidence, bus.group().upper() if bus else None)
        if not any((known.id, known.gpu) == (diagnosis.id, diagnosis.gpu) for known in found):
            found.append(diagnosis)
    if found or not status:
        return found
    return [_by_status(text, status)]


def _by_status(text: str, status: int) -> Diagnosis:
    said = clean(text).strip()
    evidence = f"exit status {status}" + (f": {said[-200:]}" if said else "")
    if status in _TIMED_OUT:
        return Diagnosis(
            "timeout",
            "nvidia-smi did not answer in time: the driver hangs on a GPU.",
            "Read dmesg for Xid lines; reboot the host. Without persistence mode a first start can be slow: "
            "run nvidia-persistenced.",
            evidence,
        )
    rule = next((rule for rule in _RULES if status in rule.statuses), None)
    if rule is not None:
        return Diagnosis(rule.id, rule.message, rule.fix, evidence)
    return Diagnosis("failed", "nvidia-smi failed.", "Run nvidia-smi by hand on the host and read dmesg.", evidence)
