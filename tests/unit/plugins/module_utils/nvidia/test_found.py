# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has, read from files and commands."""

from __future__ import annotations

import platform

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import found, hardware

PCI = "/sys/bus/pci/devices"


def device(tree, address, vendor, number, kind):
    names = {"vendor": vendor, "device": number, "class": kind}
    tree.write({f"{PCI}/{address}/{name}": f"{text}\n" for name, text in names.items()})


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0x1180", "older"),
        ("0x0fc6", "older"),
        ("0x13c0", "maxwell"),
        ("0x17fd", "maxwell"),
        ("0x15f8", "pascal"),
        ("0x1b38", "pascal"),
        ("0x1db6", "volta"),
        ("0x1df6", "volta"),
        ("0x1eb8", "turing"),
        ("0x2191", "turing"),
        ("0x20b0", "ampere"),
        ("0x20f1", "ampere"),
        ("0x2236", "ampere"),
        ("0x25b6", "ampere"),
        ("0x26b9", "ada"),
        ("0x27b8", "ada"),
        ("0x2330", "hopper"),
        ("0x2335", "hopper"),
        ("0x2342", "grace-hopper"),
        ("0x2901", "blackwell"),
        ("0x2941", "blackwell"),
        ("0x2bb5", "blackwell"),
        ("0x2e12", "blackwell"),
        ("0x3182", "blackwell"),
        ("0x3500", "newer"),
    ],
)
def test_the_generation_of_a_device(number, name):
    assert hardware.generation(number) == name
    assert name in hardware.GENERATIONS


def test_the_pci_bus_tells_without_a_driver(tree):
    device(tree, "0000:19:00.0", "0x10de", "0x2330", "0x030200")
    device(tree, "0000:19:00.1", "0x10de", "0x22ba", "0x040300")  # its sound
    device(tree, "0000:07:00.0", "0x10de", "0x22a3", "0x068000")  # an NVSwitch
    device(tree, "0000:08:00.0", "0x10de", "0x1234", "0x068000")  # another bridge
    device(tree, "0000:1a:00.0", "0x15b3", "0x1021", "0x020700")
    seen = hardware.read(tree.files)
    assert seen["gpus"] == [{"address": "0000:19:00.0", "device": "0x2330", "generation": "hopper"}]
    assert (seen["switches"], seen["mellanox"], seen["nvlink_management"]) == (["0000:07:00.0"], True, False)


def test_nvlink_switches_are_seen_by_their_management(tree):
    tree.write({"/sys/class/infiniband/mlx5_4/device/vpd": "\x00CX7 SW_MNG \x01"})
    assert hardware.read(tree.files)["nvlink_management"]


def test_a_bare_host(tree, host):
    said = found.read(tree.files, tree.files, host())
    assert (said["gpus"], said["packages"], said["loaded"], said["smi"], said["dkms"]) == ([], {}, None, None, [])
    assert not any(said[key] for key in ("container", "secure_boot", "nouveau", "headers", "pinned", "docker"))


def test_a_host_with_a_driver(tree, host):
    kernel = platform.release()
    tree.write(
        {
            "/sys/module/nvidia/version": "580.95.05\n",
            "/sys/module/nouveau/refcnt": "0",
            "/etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
            f"/lib/modules/{kernel}/build/Makefile": "",
            "/run/systemd/container": "docker",
            "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": "\x06\x00\x00\x00\x01",
            "/etc/apt/sources.list.d/cuda.list": "deb http://a/b /\n",
            "/etc/apt/sources.list.d/vllm-nvidia-cuda.sources": "URIs: http://c\n",
            "/etc/apt/preferences.d/vllm-nvidia.pref": "x",
        }
    )
    packages = "nvidia-open\t580.95.05-1\thold\tinstalled\nlibcuda1\t580.95.05-1\tinstall\tconfig-files\n"
    commands = host(
        dpkg_query=f"cat <<'E'\n{packages}E\nexit 1",
        dkms="echo 'nvidia/580.95.05, 6.1, x86_64: installed (original_module exists)'; echo 'zfs/2, 6.1: installed'",
        nvidia_smi="echo 580.95.05; echo 580.95.05",
    )
    said = found.read(tree.files, tree.files, commands)
    assert (said["packages"], said["held"]) == ({"nvidia-open": "580.95.05-1"}, ["nvidia-open"])
    assert said["dkms"] == [{"name": "nvidia", "version": "580.95.05", "kernel": "6.1", "state": "installed"}]
    assert said["smi"] == {"status": 0, "version": "580.95.05", "gpus": 2}
    assert said["os"]["id"] == "debian"
    assert all(said[key] for key in ("container", "secure_boot", "nouveau", "headers", "pinned"))
    assert said["sources"]["cuda.list"] == ["http://a/b"]
    assert said["ours"] == ["vllm-nvidia-cuda"]


def test_packages_and_locks_of_rpm(tree, host):
    tree.write({"/etc/dnf/plugins/versionlock.list": "# x\nnvidia-open-3:580.95.05-1.el9.*\n"})
    lines = "nvidia-open\t580.95.05-1.el9\nbash\t5.1-1\nkmod-nvidia-open-dkms\t580.95.05-1.el9\n"
    said = found.read(tree.files, tree.files, host(rpm=f"cat <<'E'\n{lines}E"))
    assert sorted(said["packages"]) == ["kmod-nvidia-open-dkms", "nvidia-open"]
    assert said["held"] == ["nvidia-open"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nvidia/580.95.05: added", ("nvidia", "580.95.05", None, "added")),
        ("nvidia-current, 535.261.03, 6.1.0-50-amd64, x86_64: installed", ("nvidia-current", "535.261.03")),
        ("nvidia-current-open/550.163.01, 6.12, x86_64: built", ("nvidia-current-open", "550.163.01", "6.12", "built")),
    ],
)
def test_states_of_dkms(text, expected):
    (only,) = found.dkms_states(text)
    assert tuple(only.values())[: len(expected)] == expected


def test_who_has_a_gpu_open(tree, host):
    tree.write({"/proc/77/comm": "python3\n", "/proc/78/comm": "nvidia-persiste\n", "/proc/79/comm": "bash\n"})
    for pid, target in (("77", "/dev/nvidia0"), ("78", "/dev/nvidia0"), ("79", "/dev/nvidiactl")):
        folder = tree.root / "proc" / pid / "fd"
        folder.mkdir(parents=True)
        (folder / "3").symlink_to(target)
    assert found.read(tree.files, tree.files, host())["users"] == [{"pid": 77, "process": "python3"}]


@pytest.mark.parametrize(
    ("kind", "state", "serves"),
    [("engine", "active", True), ("ray", "activating", True), ("guard", "active", False), ("engine", "failed", False)],
)
def test_engines_that_run(tree, host, kind, state, serves):
    name = "vllm-a-0.service"
    text = f"[Service]\nExecStart=/bin/true\n\n[X-vllm.cluster.plan]\nKind={kind}\nEngine=a-0\n"
    tree.write({"/run/systemd/system/x": "", f"/etc/systemd/system/{name}": text})
    shown = f"Id={name}\nActiveState={state}\nSubState=running\nUnitFileState=enabled\nMainPID=0\n"
    said = found.read(tree.files, tree.files, host(systemctl=f"cat <<'E'\n{shown}E"))
    assert said["engines"] == ([name] if serves else [])
