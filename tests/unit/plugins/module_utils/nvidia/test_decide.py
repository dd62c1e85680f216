# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a host: nothing, install, change, or refuse; by what it has and by what is wanted."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.nvidia import packages

from .hosts import A100, AT_WORK, B200, CUDA12, CUDA13, H100, P40, T4, V100, asked, at_work, both, host, plan, refused

YES = {"allow_install": True, "allow_upgrade": True, "allow_interrupt": True, "reboot": True}
KERNEL = "6.1.0-30-amd64"
DKMS = [{"name": "nvidia", "version": "580.95.05", "kernel": KERNEL, "state": "installed"}]


def test_a_bare_host_gets_a_driver_with_consent():
    bare = host(*[H100] * 8)
    decided = plan(bare)
    assert decided["action"] == "install"
    assert asked(decided) == ["allow_install"]
    assert plan(bare, allow_install=True)["asks"] == []
    assert decided["packages"] == [f"linux-headers-{KERNEL}", "dkms", "nvidia-open=580.*"]
    assert "Pin: version 580.*\nPin-Priority: 1001\n" in decided["pin"]
    assert any("8 x hopper" in line for line in decided["lines"])


def test_a_driver_that_suffices_is_kept_pinned_and_held():
    decided = plan(at_work(H100))
    assert (decided["action"], decided["asks"], decided["packages"], decided["problems"]) == ("keep", [], [], [])
    assert "Pin: version 580.95.05-*\n" in decided["pin"]
    assert decided["hold"] == ["libcuda1", "nvidia-kernel-open-dkms", "nvidia-open"]
    held = at_work(H100, held=["libcuda1", "nvidia-kernel-open-dkms", "nvidia-open"], pinned=True)
    assert (plan(held)["steps"], plan(held)["unhold"]) == ([], [])
    assert plan(held, branch="610")["unhold"] == decided["hold"]


def test_the_container_toolkits_packages_stay_together():
    found = at_work(H100)
    found["packages"]["nvidia-container-toolkit"] = "1.18.0-1"
    assert "nvidia-container-toolkit" not in plan(found)["pin"].replace("nvidia-*", "")
    pin = plan(found, container_toolkit="always")["pin"]
    assert "libnvidia-container-tools libnvidia-container1\nPin: version 1.18.0-1\n" in pin


@pytest.mark.parametrize("hold", [True, False])
def test_nothing_is_held_against_a_persons_will(hold):
    decided = plan(at_work(H100), hold=hold)
    assert (bool(decided["pin"]), bool(decided["hold"]), bool(decided["unattended"])) == (hold, hold, hold)


def test_a_newer_driver_than_needed_is_kept():
    assert plan(at_work(H100, version="610.57.04"))["action"] == "keep"


@pytest.mark.parametrize(
    ("version", "settings"),
    [
        ("570.133.20", {}),  # too old for CUDA 13
        ("580.65.05", {}),
        ("610.57.04", {"branch": "580"}),  # as a person wrote
        ("580.95.05", {"driver_version": "580.82.07"}),
        ("580.95.05", {"flavour": "proprietary"}),
    ],
)
def test_another_driver_takes_the_place_of_one_with_consent(version, settings):
    decided = plan(at_work(H100, version=version), **settings)
    assert decided["action"] == "change"
    assert asked(decided) == ["allow_upgrade", "reboot"]  # the loaded one stays until then
    assert plan(at_work(H100, version=version), **settings, **YES)["asks"] == []


@pytest.mark.parametrize(
    "users", [{"engines": ["vllm-r1-0.service"]}, {"users": [{"pid": 4711, "process": "python3"}]}]
)
def test_who_uses_the_gpus_is_not_disturbed_without_consent(users):
    decided = plan(at_work(H100, version="570.133.20", **users), allow_upgrade=True, reboot=True)
    assert asked(decided) == ["allow_interrupt"]
    assert decided["disturbs"]
    told = decided["asks"][0]["rule"]
    assert told.startswith(("vllm-r1-0.service", "python3 (pid 4711)"))
    assert asked(plan(at_work(H100, version="570.133.20", **users), **YES)) == []
    assert plan(at_work(H100, **users))["asks"] == []  # nothing is to be changed


def test_an_engine_on_the_cpu_does_not_stand_in_the_way_of_a_first_driver():
    decided = plan(host(H100, engines=["vllm-cpu-0.service"]), allow_install=True)
    assert decided["asks"] == []


def test_only_a_reboot_helps_where_versions_differ_or_nouveau_has_the_gpus():
    for found in (at_work(H100, loaded="570.133.20"), at_work(H100, loaded=None, nouveau=True)):
        decided = plan(found)
        assert decided["action"] == "keep"
        assert asked(decided) == ["reboot"]
        assert decided["reboot"] in decided["asks"][0]["rule"]
        assert not decided["load"]
    serving = at_work(H100, loaded="570.133.20", engines=["vllm-a-0.service"])
    assert asked(plan(serving, reboot=True)) == ["allow_interrupt"]
    assert plan(serving, **YES)["interrupts"]


def test_a_driver_that_nothing_loaded_is_loaded():
    decided = plan(at_work(H100, loaded=None, smi={"status": 9, "version": None, "gpus": 0}))
    assert decided["load"]
    assert decided["services"] == []
    assert "not loaded" in decided["problems"][0]


def test_fabric_manager_has_the_drivers_exact_version():
    found = at_work(*[H100] * 8, switches=["0000:07:00.0"])
    decided = plan(found)
    wanted = ["nvidia-fabricmanager=580.95.05-*", "libnvidia-nscq=580.95.05-*", "libnvsdm=580.95.05-*"]
    assert decided["absent"] == wanted
    assert "nvidia-fabricmanager.service" in decided["services"]
    older = {**AT_WORK, "nvidia-fabricmanager": "", "libnvidia-nscq": "", "libnvsdm": ""}
    there = at_work(*[H100] * 8, packages=older, switches=["0000:07:00.0"])
    assert plan(there)["absent"] == []
    assert {"nvidia-fabricmanager", "libnvidia-nscq"} <= set(plan(there)["hold"])
    there["packages"]["nvidia-fabricmanager"] = "580.82.07-1"
    assert plan(there)["absent"] == ["nvidia-fabricmanager=580.95.05-*"]
    assert plan(found, fabric="never")["absent"] == []


def test_switches_of_blackwell_are_seen_by_who_manages_them():
    found = at_work(*[B200] * 8, nvlink_management=True)
    assert {"nvlsm", "infiniband-diags"} <= set(plan(found)["absent"])


def test_what_is_wanted_besides():
    decided = plan(
        at_work(H100, persistenced=False),
        rdma=True,
        imex=True,
        gdrcopy_packages=["/srv/gdrdrv-dkms.deb"],
        cuda_toolkit=True,
        cuda_version="12.8.1",
        container_toolkit="always",
        container_toolkit_version="1.18.0-1",
    )
    for spec in (
        *("nvidia-imex=580.95.05-*", "rdma-core", "/srv/gdrdrv-dkms.deb"),
        *("cuda-toolkit-12-8", "nvidia-container-toolkit=1.18.0-1", "libnvidia-container1=1.18.0-1"),
    ):
        assert spec in decided["absent"]
    assert decided["cuda_folder"] == "/usr/local/cuda-12.8"
    assert [item["name"] for item in decided["repositories"]] == ["vllm-nvidia-cuda", "vllm-nvidia-container-toolkit"]


def test_the_persistence_daemon_is_installed_where_no_package_brought_it():
    assert plan(at_work(H100))["absent"] == []
    without = at_work(H100, persistenced=False, packages=["nvidia-open", "libcuda1"])
    assert plan(without)["absent"] == ["nvidia-persistenced=580.95.05-*"]
    assert plan(without, persistence=False)["absent"] == []


@pytest.mark.parametrize(("container", "expected"), [(True, True), (False, False)])
def test_the_container_toolkit_follows_the_services(container, expected):
    assert plan(at_work(H100), needs=[{**CUDA13, "container": container}])["container_toolkit"] is expected


def test_a_repository_that_another_file_names_is_left_to_it():
    url = "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64"
    found = host(H100, sources={"cuda-debian12-x86_64.list": [url]})
    decided = plan(found)
    assert decided["repositories"] == []
    assert decided["named_by"] == {"vllm-nvidia-cuda": "cuda-debian12-x86_64.list"}
    ours = host(H100, sources={"vllm-nvidia-cuda.sources": [url]}, ours=["vllm-nvidia-cuda"])
    assert [item["url"] for item in plan(ours)["repositories"]] == [url + "/"]


def test_a_host_that_lacks_nothing_is_given_no_repository():
    assert plan(at_work(H100, system="rhel10"))["repositories"] == []
    there = at_work(H100)
    there["packages"].update(dict.fromkeys(packages.CONTAINER_TOOLKIT, "1.18.0-1"))
    assert plan(there, container_toolkit="always")["repositories"] == []
    assert plan(there, rdma=True)["repositories"] == []


@pytest.mark.parametrize(
    ("found", "needs", "settings"),
    [
        (host(H100), [], {}),
        (host(H100), [CUDA13], {"source": "none"}),
        (host(), [{**CUDA13, "required": False}], {}),
        (host(loaded="580.95.05", container=True), [{**CUDA13, "required": False}], {}),
        (host(H100, loaded="580.95.05", container=True), [CUDA13], {}),
        (host(H100, system="arch", loaded="580.95.05"), [CUDA13], {}),
    ],
)
def test_nothing_is_done(found, needs, settings):
    decided = plan(found, needs, **settings)
    assert decided["action"] == "none"
    assert decided["lines"][0]


def test_a_driver_of_no_package_is_kept_and_left_alone():
    decided = plan(host(H100, loaded="580.95.05", smi={"status": 0, "version": "580.95.05", "gpus": 1}))
    assert (decided["action"], decided["pin"], decided["hold"], decided["absent"]) == ("keep", "", [], [])


@pytest.mark.parametrize(
    ("rule_id", "path", "found", "settings"),
    [
        ("nvidia-gpu-absent", "vllm_services[0].accelerator", host(), {}),
        ("nvidia-gpu-too-old", "vllm_nvidia_branch", host("0x1180"), {}),
        ("nvidia-container", "vllm_nvidia_source", host(H100, container=True), {}),
        ("nvidia-container", "vllm_nvidia_source", host(H100, container=True, loaded="570.133.20"), {}),
        ("nvidia-system", "vllm_nvidia_source", host(H100, system="arch"), {}),
        ("nvidia-system", "vllm_nvidia_source", host(H100, machine="riscv64"), {}),
        ("nvidia-branch", "vllm_nvidia_branch", host(H100), {"branch": "570"}),
        ("nvidia-branch", "vllm_nvidia_branch", host(V100), {"branch": "610", "needs": [CUDA12]}),
        ("nvidia-branch", "vllm_nvidia_driver_version", host(H100), {"driver_version": "580.65.05"}),
        ("nvidia-stock", "vllm_nvidia_source", host(H100), {"source": "distribution"}),
        ("nvidia-stock", "vllm_nvidia_source", host(H100, system="debian13"), {"source": "distribution"}),
        ("nvidia-flavour", "vllm_nvidia_flavour", host(B200), {"flavour": "proprietary"}),
        ("nvidia-flavour", "vllm_nvidia_flavour", host(V100), {"flavour": "open"}),
        ("nvidia-flavour", "vllm_nvidia_flavour", host(V100, B200), {}),
        ("nvidia-flavour", "vllm_nvidia_flavour", host(H100), {"flavour": "proprietary", "branch": "620"}),
        ("nvidia-foreign", "vllm_nvidia_source", host(H100, loaded="570.133.20"), {}),
        ("nvidia-held", "vllm_nvidia_branch", at_work(H100, version="570.133.20", held=["libcuda1"]), {}),
        ("nvidia-secure-boot", "vllm_nvidia_own_module_key", host(H100, secure_boot=True), {}),
        ("nvidia-key", "vllm_nvidia_key_fingerprint", host(H100, system="rhel10"), {}),
        ("nvidia-value", "vllm_nvidia_branch", host(H100), {"branch": "newest"}),
        ("nvidia-value", "vllm_nvidia_source", host(H100), {"source": "runfile"}),
        ("nvidia-value", "vllm_nvidia_driver_version", host(H100), {"driver_version": "580"}),
        ("nvidia-value", "vllm_nvidia_driver_version", host(H100), {"driver_version": "580.95.05", "branch": "570"}),
        ("nvidia-value", "vllm_nvidia_key_fingerprint", host(H100), {"key_fingerprint": "3BF863CC"}),
        ("nvidia-value", "vllm_nvidia_cuda_version", host(H100), {"cuda_toolkit": True}),
        (
            "nvidia-value",
            "vllm_nvidia_cuda_version",
            host(H100),
            {"source": "local", "driver_version": "580.95.05", "cuda_version": "13.0"},
        ),
    ],
)
def test_what_cannot_be_is_refused(rule_id, path, found, settings):
    told = refused(found, **{**YES, **settings})
    assert (told.id, told.path) == (rule_id, path)


def test_debians_own_driver_has_no_fabric_manager():
    found = host(H100, switches=["0000:07:00.0"])
    told = refused(found, [CUDA12], source="distribution")
    assert (told.id, "fabric" in told.rule) == ("nvidia-stock", True)
    assert plan(found, [CUDA12], source="distribution", fabric="never")["action"] == "install"
    ubuntu = host(H100, system="ubuntu2404", switches=["0000:07:00.0"])
    assert plan(ubuntu, source="distribution")["action"] == "install"


def test_values_that_arrive_as_text_are_read():
    decided = plan(host(H100), allow_install="yes", hold="false", branch=580, key_fingerprint="eb69 3b30" + "0" * 32)
    assert (decided["asks"], decided["pin"]) == ([], "")
    assert decided["repositories"][0]["fingerprints"] == ["EB693B30" + "0" * 32]


def test_secure_boot_takes_signed_modules_or_a_key_that_is_enrolled():
    on = {"secure_boot": True}
    assert plan(host(H100, **on), own_module_key=True)["action"] == "install"
    assert plan(host(H100, system="ubuntu2404", **on), source="distribution")["action"] == "install"
    told = refused(host(H100, system="ubuntu2404", **on))
    assert "distribution" in told.fix
    assert plan(at_work(H100, **on))["action"] == "keep"


@pytest.mark.parametrize(
    ("gpus", "needs", "branch", "flavour"),
    [
        ((H100,), [CUDA13], 580, "open"),
        ((B200,), [CUDA13], 580, "open"),
        ((A100, H100), [CUDA12], 580, "open"),
        ((V100,), [CUDA12], 580, "proprietary"),
        ((P40, T4), [CUDA12], 580, "proprietary"),  # of mixed GPUs the older decide
        (("0x3500",), [CUDA13], 580, "open"),
        ((H100,), [{**CUDA13, "minimum": "590.10.01"}], 595, "open"),
        ((H100,), [CUDA12, {**CUDA13, "path": "vllm_services[1]"}], 580, "open"),
    ],
)
def test_branch_and_flavour(gpus, needs, branch, flavour):
    decided = plan(host(*gpus), needs)
    assert (decided["driver"]["branch"], decided["driver"]["flavour"]) == (branch, flavour)


def test_old_gpus_and_a_new_cuda_have_no_common_branch():
    told = refused(host(V100), [{**CUDA13, "minimum": "590.10.01"}])
    assert told.id == "nvidia-branch"
    assert "volta" in told.rule


def test_dkms_that_built_nothing_is_told():
    added = [{"name": "nvidia", "version": "580.95.05", "kernel": None, "state": "added"}]
    (problem,) = plan(at_work(H100, dkms=added, headers=False))["problems"]
    assert f"headers are not on the host (/lib/modules/{KERNEL}/build)" in problem
    other = [{**DKMS[0], "kernel": "6.1.0-50-amd64"}]
    assert "nvidia/580.95.05 6.1.0-50-amd64: installed" in plan(at_work(H100, dkms=other))["problems"][0]
    failed = [{**DKMS[0], "state": "built"}]
    assert "did not finish" in plan(at_work(H100, dkms=failed))["problems"][0]
    assert plan(at_work(H100, dkms=DKMS))["problems"] == []


@pytest.mark.parametrize(
    ("smi", "said"),
    [
        (None, "not there"),
        ({"status": 18, "version": None, "gpus": 0}, "status 18"),
        ({"status": 0, "version": "580.95.05", "gpus": 1}, "1 of the 2 GPUs"),
    ],
)
def test_a_driver_that_does_not_work_is_told(smi, said):
    (problem,) = plan(at_work(H100, H100, smi=smi))["problems"]
    assert said in problem


def test_steps_tell_what_a_run_does():
    steps = plan(host(H100, switches=["0000:07:00.0"]), **YES)["steps"]
    assert steps[0].startswith("name the repository https://developer.download.nvidia.com/compute/cuda/repos/debian12/")
    assert steps[1].startswith("install driver 580.* (open) by linux-headers-")
    assert steps[2] == "install the persistence daemon, fabric manager, at the driver's version"
    steps = plan(at_work(H100, version="570.133.20", engines=["vllm-a-0.service"]), **YES)["steps"]
    assert "stop vllm-a-0.service, and start them again" in steps
    assert any(step.startswith("change driver 570.133.20 to driver 580.* (open)") for step in steps)


def test_all_refusals_of_the_settings_come_at_once():
    assert len(both(host(H100), branch="x", source="y", fabric="z")[1]) == 3
