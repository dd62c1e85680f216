# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real role against repositories of NVIDIA's layout. apt, DKMS, gpg and nvcc are real; packages hold no driver.

In order: a test may build on the state that the one before left.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.testinfra.lab import main_pid

CUDA = "/srv/nvidia/www/compute/cuda/repos/debian12/x86_64"
LISTS = "/var/lib/apt/lists/127.0.0.1:8099_compute_*"
LOADED = "/srv/nvidia/root/sys/module/nvidia/version"
ENGINE = "vllm-chat-0.service"
UNIT = (
    "[Unit]\nPartOf=vllm.target\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=vllm.target\n\n"
    "[X-vllm.cluster.plan]\nKind=engine\nEngine=chat-0\n"
)
TARGET = "[Unit]\nDescription=Engines\n[Install]\nWantedBy=multi-user.target\n"
NOTHING = {"allow_install": False}


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("nv1")


def prepare(lab, *arguments, **settings):
    """The playbook, with variables of the role."""
    extra = {f"vllm_nvidia_{name}": value for name, value in settings.items()}
    return lab.playbook("prepare.yml", "--skip-tags", "host", *arguments, extra=extra)


def refusal(run):
    """The message of a failed run."""
    assert run.status != 0
    assert "Traceback" not in run.output
    return " ".join(run.output.partition("[ERROR]")[2].partition("PLAY RECAP")[0].split())


def versions(host, *names):
    return {host.check_output("dpkg-query --show --showformat='${Version}' %s", name) for name in names}


def loaded(host):
    return host.file(LOADED).content_string.strip()


def test_the_right_branch_is_installed_held_and_works(host):
    assert versions(host, "nvidia-open", "nvidia-kernel-open-dkms", "libcuda1") == {"580.95.05-1"}
    assert versions(host, "nvidia-fabricmanager", "libnvidia-nscq", "libnvsdm") == {"580.95.05-1"}
    held = host.check_output("apt-mark showhold").split()
    assert {"nvidia-open", "nvidia-kernel-open-dkms", "nvidia-fabricmanager", "libnvidia-nscq", "libcuda1"} <= set(held)
    assert host.service("nvidia-fabricmanager").is_running
    assert host.service("nvidia-persistenced").is_enabled
    kernel = host.check_output("uname -r")
    assert re.search(
        rf"^nvidia/580.95.05, {kernel}, x86_64: installed$", host.check_output("dkms status"), re.MULTILINE
    )


def test_a_newer_branch_in_the_repository_changes_nothing(host):
    assert "610.57.04" in host.check_output("apt-cache madison nvidia-open")
    upgrade = host.check_output("apt-get --simulate dist-upgrade")
    assert not re.search(r"^Inst .*(nvidia|libcuda1)", upgrade, re.MULTILINE)
    # Neither do the pins alone, once somebody lets go of a package.
    host.check_output("apt-mark unhold libcuda1 nvidia-driver-cuda")
    upgrade = host.check_output("apt-get --simulate dist-upgrade")
    host.check_output("apt-mark hold libcuda1 nvidia-driver-cuda")
    assert not re.search(r"^Inst .*(nvidia|libcuda1)", upgrade, re.MULTILINE)
    blacklist = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert 'Package-Blacklist:: "nvidia-";' in blacklist


def test_the_container_toolkit_is_of_one_version(host):
    names = ["nvidia-container-toolkit", "nvidia-container-toolkit-base", "libnvidia-container-tools"]
    assert versions(host, *names, "libnvidia-container1") == {"1.18.0-1"}


def test_nvcc_is_the_real_one_and_in_the_path_once(host):
    assert "release 13.5" in host.check_output("bash -lc 'nvcc --version'")
    path = host.check_output("bash -lc '. /etc/profile.d/cuda.sh; . /etc/profile.d/cuda.sh; echo $PATH'")
    assert path.split(":").count("/usr/local/cuda-13.5/bin") == 1


def test_another_branch_needs_consent(lab, host):
    told = refusal(prepare(lab, branch="610"))
    assert "vllm_nvidia_allow_upgrade = False: driver 580.95.05 is installed, 580.95.05 is loaded, and" in told
    assert "[nvidia-consent]" in told
    assert versions(host, "nvidia-open") == {"580.95.05-1"}


def test_a_wrong_key_is_refused(lab, host):
    told = refusal(prepare(lab, key_fingerprint="AB" * 20))
    right = host.file("/srv/nvidia/fingerprint").content_string
    assert f"the key's fingerprint is {right}, and {'AB' * 20} is trusted. Nothing was written" in told


def test_what_is_lost_of_the_driver_comes_back_at_its_version(lab, host):
    """And before that: nothing comes from an index that is broken, of another's signature, or that nobody serves."""
    host.check_output("apt-get remove --yes --allow-change-held-packages libnvsdm")
    try:
        # apt reads an index anew only where it has none, or its signature says that it changed.
        host.check_output(f"cp {CUDA}/Packages /root/Packages && echo >> {CUDA}/Packages && rm {LISTS}")
        told = refusal(prepare(lab))
        assert re.search(r"File has unexpected size|Hash Sum mismatch", told), told
        stranger = host.file("/srv/nvidia/stranger").content_string
        sign = f"gpg --batch --yes --local-user {stranger} --clearsign --output InRelease Release"
        host.check_output(f"cp /root/Packages {CUDA}/Packages && cd {CUDA} && cp InRelease Release.gpg /root && {sign}")
        host.check_output(f"rm {CUDA}/Release.gpg")
        assert f"NO_PUBKEY {stranger[-16:]}" in refusal(prepare(lab))
        host.check_output(f"cp /root/InRelease /root/Release.gpg {CUDA}")
        host.check_output("systemctl stop nvidia-imitation")
        assert re.search(r"Could not connect|Connection refused", refusal(prepare(lab)))
    finally:
        host.check_output(
            f"cp /root/Packages /root/InRelease /root/Release.gpg {CUDA}; systemctl start nvidia-imitation"
        )
    assert not host.package("libnvsdm").is_installed
    run = prepare(lab)
    assert run.status == 0
    assert run.changed("nv1") == {"nv1": 1}
    assert versions(host, "libnvsdm") == {"580.95.05-1"}


def test_an_engine_that_runs_is_not_interrupted_without_consent(lab, host):
    for name, text in ((ENGINE, UNIT), ("vllm.target", TARGET)):
        host.check_output("printf %%s %s > /etc/systemd/system/" + name, text)
    host.check_output(f"systemctl daemon-reload; systemctl enable --now vllm.target {ENGINE}")
    before = main_pid(host, ENGINE)
    told = refusal(prepare(lab, branch="610", allow_upgrade=True))
    assert "vllm_nvidia_reboot = False: driver 580.95.05 stays loaded until the host is rebooted" in told
    assert f"vllm_nvidia_allow_interrupt = False: {ENGINE} would be interrupted" in told
    assert versions(host, "nvidia-open") == {"580.95.05-1"}
    assert main_pid(host, ENGINE) == before


def test_with_consent_it_is_stopped_upgraded_rebooted_and_runs_again(lab, host):
    # A container that reboots ends; somebody has to switch it on.
    power = subprocess.Popen("docker wait nv1 && docker start nv1", shell=True, stdout=subprocess.DEVNULL)
    try:
        run = prepare(lab, branch="610", allow_upgrade=True, allow_interrupt=True, reboot=True)
    finally:
        power.terminate()
    assert run.status == 0
    assert "one at a time" in run.output
    names = ("nvidia-open", "libcuda1", "nvidia-kernel-open-dkms", "nvidia-fabricmanager", "libnvidia-nscq", "libnvsdm")
    assert versions(host, *names) == {"610.57.04-1"}
    assert loaded(host) == "610.57.04"
    assert host.service(ENGINE).is_running
    assert host.service("nvidia-fabricmanager").is_running
    host.check_output(f"systemctl disable --now vllm.target {ENGINE}")


def test_check_mode_tells_the_truth_on_a_bare_host(lab, host):
    host.check_output(
        "apt-get purge --yes --allow-change-held-packages 'cuda-*' 'nvidia-*' 'libnvidia-*' libnvsdm libcuda1;"
        f" rm -r {LOADED} /etc/apt/preferences.d/vllm-nvidia.pref /etc/apt/sources.list.d/vllm-nvidia-*"
    )
    files = host.check_output(
        "find /etc/apt /etc/modprobe.d -newer /etc/passwd | sort | xargs md5sum 2>/dev/null || true"
    )
    run = prepare(lab, "--check", "--diff", **NOTHING)
    assert run.status == 0
    assert run.recap("nv1", "changed") >= 1
    text = " ".join(run.output.split())
    assert "install driver 580.* (open) by linux-headers-" in text
    assert "name the repository http://127.0.0.1:8099/compute/cuda/repos/debian12/x86_64/" in text
    assert "vllm_nvidia_allow_install" in text
    assert not host.package("nvidia-open").is_installed
    after = host.check_output(
        "find /etc/apt /etc/modprobe.d -newer /etc/passwd | sort | xargs md5sum 2>/dev/null || true"
    )
    assert after == files


def test_the_local_installer_brings_its_one_version(lab, host):
    local = {"source": "local", "driver_version": "580.95.05", "cuda_version": "13.0.2"}
    without = {"cuda_toolkit": False, "container_toolkit": "never"}
    assert prepare(lab, **local, **without).status == 0
    assert versions(host, "nvidia-open", "libcuda1", "nvidia-fabricmanager") == {"580.95.05-1"}
    assert host.file("/var/cuda-repo-debian12-13-0-local").is_directory
    assert not host.file("/etc/apt/sources.list.d/vllm-nvidia-cuda.sources").exists
    assert prepare(lab, **local, **without).changed("nv1") == {"nv1": 0}
