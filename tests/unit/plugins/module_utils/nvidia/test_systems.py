# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems, packages and repositories: each system's own words."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import packages, state, systems

from .hosts import CUDA12, H100, KERNEL, OS, at_work, host, plan

NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos"
HEADERS = f"linux-headers-{KERNEL}"
RPMS = [f"kernel-devel-{KERNEL}", "kernel-headers", "dkms"]
FINGERPRINT = "A" * 40
UTILS = "nvidia-utils-580-server"

# By system: the repository, its key, packages of the newest 580 with open modules, and of an exact proprietary one.
NETWORK = {
    "ubuntu2204": (
        "3bf863cc.pub",
        [HEADERS, "dkms", "nvidia-open=580.*"],
        [HEADERS, "dkms", "cuda-drivers=580.82.07-*"],
    ),
    "ubuntu2404": (
        "3bf863cc.pub",
        [HEADERS, "dkms", "nvidia-open=580.*"],
        [HEADERS, "dkms", "cuda-drivers=580.82.07-*"],
    ),
    "ubuntu2604": (
        "60DF8A40.pub",
        [HEADERS, "dkms", "nvidia-open=580.*"],
        [HEADERS, "dkms", "cuda-drivers=580.82.07-*"],
    ),
    "debian12": (
        "3bf863cc.pub",
        [HEADERS, "dkms", "nvidia-open=580.*"],
        [HEADERS, "dkms", "cuda-drivers=580.82.07-*"],
    ),
    "debian13": (
        "8793F200.pub",
        [HEADERS, "dkms", "nvidia-open=580.*"],
        [HEADERS, "dkms", "cuda-drivers=580.82.07-*"],
    ),
    "rhel8": (
        "D42D0685.pub",
        [*RPMS, "@nvidia-driver:580-open"],
        [*RPMS, "@nvidia-driver:580-dkms", "cuda-drivers-580.82.07*"],
    ),
    "rhel9": (
        "D42D0685.pub",
        [*RPMS, "@nvidia-driver:580-open"],
        [*RPMS, "@nvidia-driver:580-dkms", "cuda-drivers-580.82.07*"],
    ),
    "rhel10": ("CDF6BA43.pub", [*RPMS, "nvidia-open-580.*"], [*RPMS, "cuda-drivers-580.82.07*"]),
}


@pytest.mark.parametrize("system", OS)
def test_the_network_repository(system):
    key, newest, exact = NETWORK[system]
    decided = plan(host(H100, system=system), key_fingerprint=FINGERPRINT)
    (item,) = decided["repositories"]
    assert item["url"] == f"{NVIDIA}/{system}/x86_64/"
    assert item["key_url"] == f"{NVIDIA}/{system}/x86_64/{key}"
    assert decided["packages"] == newest
    settings = {"driver_version": "580.82.07", "flavour": "proprietary", "key_fingerprint": FINGERPRINT}
    assert plan(host(H100, system=system), **settings)["packages"] == exact


@pytest.mark.parametrize("system", [name for name in OS if name != "rhel10"])
def test_the_key_of_a_system_is_known(system):
    (item,) = plan(host(H100, system=system))["repositories"]
    (fingerprint,) = item["fingerprints"]
    assert fingerprint.endswith(item["key_url"].rpartition("/")[2].partition(".")[0].upper())


def test_a_server_on_arm_is_called_sbsa():
    decided = plan(host(H100, machine="aarch64", system="ubuntu2404"), base_url="http://mirror.example/cuda/")
    assert decided["repositories"][0]["url"] == "http://mirror.example/cuda/ubuntu2404/sbsa/"


@pytest.mark.parametrize(
    ("system", "settings", "expected"),
    [
        (
            "ubuntu2404",
            {},
            ["linux-modules-nvidia-580-server-open-" + KERNEL, "nvidia-headless-no-dkms-580-server-open", UTILS],
        ),
        (
            "ubuntu2204",
            {"flavour": "proprietary", "branch": "580"},
            ["linux-modules-nvidia-580-server-" + KERNEL, "nvidia-headless-no-dkms-580-server", UTILS],
        ),
    ],
)
def test_ubuntus_own_driver_has_signed_modules(system, settings, expected):
    decided = plan(host(H100, system=system), source="distribution", **settings)
    assert decided["packages"] == expected
    assert decided["repositories"] == []


def test_debians_own_driver_is_for_older_releases_of_vllm():
    decided = plan(host(H100), [CUDA12], source="distribution")
    names = ["nvidia-kernel-dkms", "firmware-nvidia-gsp", "libcuda1", "nvidia-smi", HEADERS]
    assert decided["packages"] == names
    assert "Pin: version 535.*" in decided["pin"]
    open_ones = plan(host(H100, system="debian13"), [CUDA12], source="distribution", flavour="open")
    assert open_ones["packages"][0] == "nvidia-open-kernel-dkms"


@pytest.mark.parametrize(
    ("system", "file"),
    [
        ("ubuntu2404", "cuda-repo-ubuntu2404-12-8-local_12.8.1-570.124.06-1_amd64.deb"),
        ("debian12", "cuda-repo-debian12-12-8-local_12.8.1-570.124.06-1_amd64.deb"),
        ("rhel9", "cuda-repo-rhel9-12-8-local-12.8.1_570.124.06-1.x86_64.rpm"),
    ],
)
def test_the_local_installers_name_has_both_versions(system, file):
    settings = {"source": "local", "cuda_version": "12.8.1", "driver_version": "570.124.06"}
    local = plan(host(H100, system=system), [CUDA12], **settings)["local"]
    assert local["package"] == f"https://developer.download.nvidia.com/compute/cuda/12.8.1/local_installers/{file}"
    assert local["folder"] == f"/var/cuda-repo-{system}-12-8-local"
    own = plan(host(H100, system=system), [CUDA12], **settings, local_installer="/srv/x.deb")["local"]
    assert own["package"] == "/srv/x.deb"


@pytest.mark.parametrize(("system", "kind"), [("debian12", "deb/amd64/"), ("rhel9", "rpm/x86_64")])
def test_the_container_toolkits_repository_is_one_for_a_family(system, kind):
    decided = plan(at_work(H100, system=system), container_toolkit="always")
    item = next(item for item in decided["repositories"] if item["name"] == "vllm-nvidia-container-toolkit")
    assert item["url"] == f"https://nvidia.github.io/libnvidia-container/stable/{kind}"
    assert item["fingerprints"] == ["C95B321B61E88C1809C4F759DDCAE044F796ECB0"]


def test_packages_of_old_branches_carry_the_branch():
    system = systems.find(OS["ubuntu2204"])
    assert packages.fabric(system, "network", "570.133.20", "x86_64", management=False, imex=False) == [
        "nvidia-fabricmanager-570=570.133.20-*",
        "libnvidia-nscq-570=570.133.20-*",
    ]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("580.95.05-1", "580.95.05"),
        ("580.95.05-0ubuntu1", "580.95.05"),
        ("3:580.142-1.el9", "580.142"),
        ("535.261.03-1~deb12u1", "535.261.03"),
        ("1.18.0-1", None),
        ("12.8.1-1", None),
        ("580-1", None),
        ("20230625-2", None),
    ],
)
def test_a_packages_version_tells_the_drivers(text, version):
    assert systems.upstream(text) == version


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"libcuda1": "570.1.1-1", "nvidia-open": "580.95.05-1"}, "580.95.05"),
        ({"nvidia-container-toolkit": "1.18.0-1", "nvidia-cuda-toolkit": "11.8.89-1"}, None),
        ({"nvidia-driver-pinning-580": "580-1", "libnvidia-compute-580": "580.95.05-0ubuntu1"}, "580.95.05"),
        ({"kmod-nvidia-open-dkms": "580.95.05-1.el9"}, "580.95.05"),
    ],
)
def test_the_driver_that_packages_bring(installed, expected):
    assert state.driver(host(H100, packages=installed)).installed == expected


@pytest.mark.parametrize(
    ("spec", "installed", "there"),
    [
        ("nvidia-open=580.*", {"nvidia-open": "580.95.05-1"}, True),
        ("nvidia-open=580.*", {"nvidia-open": "570.1.1-1"}, False),
        ("nvidia-imex-580.95.05*", {"nvidia-imex": "580.95.05-1.el9"}, True),
        ("nvidia-imex-580.95.05*", {"nvidia-imex": "580.82.07-1.el9"}, False),
        ("rdma-core", {"rdma-core": "44"}, True),
        ("rdma-core", {}, False),
    ],
)
def test_what_is_missing(spec, installed, there):
    assert state.missing([spec], installed) == ([] if there else [spec])
