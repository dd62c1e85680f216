# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks/prepare.yml sets on a host, part by part, and what it leaves alone."""

from __future__ import annotations

import contextlib

import pytest

SYSCTL = "/etc/sysctl.d/90-vllm.conf"
LIMITS = "/etc/security/limits.d/90-vllm.conf"


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("hst1")


def prepare(lab, *arguments, tags, **extra):
    return lab.playbook("prepare.yml", "--limit", "hst1", "--tags", tags, *arguments, extra=extra)


def number(host, name):
    return host.check_output("cat /proc/sys/%s", name.replace(".", "/"))


@contextlib.contextmanager
def as_a_server(host):
    """Without what a container is known by: the role takes it for a server, whose kernel and clock are its own."""
    marks = ("/.dockerenv", "/run/systemd/container")
    try:
        for mark in marks:
            host.check_output("if test -e %s; then mv %s %s.hidden; fi", mark, mark, mark)
        yield
    finally:
        for mark in marks:
            host.check_output("if test -e %s.hidden; then mv %s.hidden %s; fi", mark, mark, mark)


def test_base_packages_are_there(host):
    for name in ("ethtool", "numactl", "pciutils"):
        assert host.package(name).is_installed


def test_the_kernel_is_raised_told_at_once_and_never_lowered(lab, host):
    """A lab host may set its own network's parameters once /proc/sys is writable."""
    host.check_output("mount -o remount,rw /proc/sys")
    before = int(number(host, "net.core.somaxconn"))
    wanted = {"vllm_sysctl_at_least": {"net.core.somaxconn": before + 1000, "vm.max_map_count": 2**40}}
    check = prepare(lab, "--check", tags="host_kernel", **wanted)
    assert check.changed("hst1") == {"hst1": 1}
    assert int(number(host, "net.core.somaxconn")) == before
    run = prepare(lab, tags="host_kernel", **wanted)
    assert run.changed("hst1") == {"hst1": 1}
    assert "is its machine's, and this host is a container" in run.output
    assert int(number(host, "net.core.somaxconn")) == before + 1000
    assert f"net.core.somaxconn = {before + 1000}\n" in host.file(SYSCTL).content_string
    assert number(host, "net.ipv4.ip_local_reserved_ports") == "50051,52365-52375"
    assert prepare(lab, tags="host_kernel", **wanted).changed("hst1") == {"hst1": 0}
    # Somebody else wants more: it stays, and our file would lower it no more.
    host.check_output("echo 60000 > /proc/sys/net/core/somaxconn")
    assert prepare(lab, tags="host_kernel", **wanted).status == 0
    assert number(host, "net.core.somaxconn") == "60000"
    assert "somaxconn" not in host.file(SYSCTL).content_string


def test_who_keeps_the_clock_comes_and_a_kernel_that_takes_nothing_is_no_change(lab, host):
    """chronyd runs with -x, because the machine's clock is not the host's to set; systemd and the package are real."""
    told = {"vm.nr_hugepages": "the kernel does not take 7: Read-only file system"}
    other = "on"
    if host.file("/proc/sys/kernel/numa_balancing").exists:
        other = "off" if number(host, "kernel.numa_balancing") == "1" else "on"
        told["kernel.numa_balancing"] = f"the kernel does not take {int(other == 'on')}: Read-only file system"
    else:
        told["kernel.numa_balancing"] = "this kernel does not have it"
    options = {"vllm_hugepages": 7, "vllm_numa_balancing": other, "vllm_sysctl_at_least": {}, "vllm_reserved_ports": []}
    options["vllm_time_servers"] = ["10.77.49.13"]
    host.check_output("mount -o remount,bind,ro /proc/sys")
    host.check_output("mkdir -p /etc/systemd/system/chrony.service.d")
    host.check_output("echo 'DAEMON_OPTS=\"-x\"' > /etc/default/chrony")
    try:
        with as_a_server(host):
            check = prepare(lab, "--check", tags="host_clock,host_kernel", **options)
            assert "install chrony: nothing keeps the clock" in check.output
            assert not host.package("chrony").is_installed
            # Debian's unit wants a right that the lab host has not, and systemd takes it for started.
            run = prepare(lab, tags="host_clock", **options)
            assert run.status != 0
            assert "chrony.service of hst1 was started and does not run, so nobody keeps the clock. Fix:" in run.output
            host.check_output(
                "printf '[Unit]\nConditionCapability=\n' > /etc/systemd/system/chrony.service.d/lab.conf"
                " && systemctl daemon-reload"
            )
            run = prepare(lab, tags="host_clock,host_kernel", **options)
            again = prepare(lab, tags="host_clock,host_kernel", **options)
        assert (run.status, again.changed("hst1")) == (0, {"hst1": 0})
        for output in (check.output, run.output, again.output):
            assert [key for key, why in told.items() if f'"{key}": "{why}"' not in output] == []
        assert "vm.nr_hugepages = 7\n" in host.file(SYSCTL).content_string, "the next boot may take it"
        assert number(host, "vm.nr_hugepages") != "7"
        assert host.service("chrony").is_running
        assert host.service("chrony").is_enabled
        assert "10.77.49.13" in host.check_output("chronyc -n sources")
    finally:
        host.check_output("apt-get purge --yes chrony; rm -rf /etc/systemd/system/chrony.service.d /etc/chrony")
        host.check_output("rm -f %s", SYSCTL)


def test_limits_reach_a_login_and_those_that_would_bar_it_are_left_out(lab, host):
    run = prepare(lab, tags="host_limits", vllm_limits={"nofile": 12000, "memlock": "unlimited"})
    assert run.status == 0
    assert "the kernel does not grant root unlimited" in run.output
    assert "memlock" not in host.file(LIMITS).content_string
    assert host.check_output("su - -c 'ulimit -n'") == "12000"
    again = prepare(lab, tags="host_limits", vllm_limits={"nofile": 12000, "memlock": "unlimited"})
    assert again.changed("hst1") == {"hst1": 0}


@pytest.mark.parametrize(
    ("tags", "extra", "message"),
    [
        ("host_kernel", {"vllm_sysctl": {"vm;rm": 1}}, "vllm_sysctl['vm;rm'] = : is no name of a setting"),
        ("host_limits", {"vllm_limits": {"nofile": "1M"}}, "vllm_limits['nofile'] = 1M: is no value of a limit"),
        ("host_clock", {"vllm_time_servers": ["a b"]}, "vllm_time_servers[0] = a b: is no name and no address"),
    ],
)
def test_what_is_no_setting_is_refused_and_changes_nothing(lab, tags, extra, message):
    run = prepare(lab, tags=tags, **extra)
    assert run.status != 0
    assert message in run.output
    assert run.changed("hst1") == {"hst1": 0}


def test_a_part_that_is_switched_off_is_left_alone(lab, host):
    before = host.file(LIMITS).content_string
    run = prepare(lab, tags="host_limits", vllm_limits={"nofile": 11000}, vllm_manage_limits=False)
    assert run.changed("hst1") == {"hst1": 0}
    assert host.file(LIMITS).content_string == before


def test_the_size_of_shared_memory(lab, host):
    run = prepare(lab, tags="host_shm", vllm_shm_size="512m")
    assert run.changed("hst1") == {"hst1": 1}
    assert host.check_output("stat --file-system --format '%b %S' /dev/shm") == f"{512 << 8} 4096"
    assert prepare(lab, tags="host_shm", vllm_shm_size="512m").changed("hst1") == {"hst1": 0}
