# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module says of kernels that take a value, a part of it, or nothing."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible_collections.vllm.cluster.plugins.modules import kernel_settings

PAGES = "vm.nr_hugepages"


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Files in the place of /proc/sys; of huge pages there is room for 3. The host is no container."""
    values = {PAGES: "0\n", kernel_settings.kernel.NUMA: "1\n", kernel_settings.kernel.RANGE: "32768\t60999\n"}
    for name, value in values.items():
        (tmp_path / name).write_text(value)
    monkeypatch.setattr(kernel_settings.kernel, "path", lambda name: str(tmp_path / name))
    monkeypatch.setattr(kernel_settings, "is_container", lambda _files: False)
    write = os.write

    def as_a_kernel(handle, value):
        at = os.readlink(f"/proc/self/fd/{handle}")
        os.ftruncate(handle, 0)
        return write(handle, str(min(int(value), 3)).encode() + b"\n" if at.endswith(PAGES) else value + b"\n")

    monkeypatch.setattr(kernel_settings.os, "write", as_a_kernel)
    return tmp_path


def run(kernel, check=False, **params):
    given = {"settings": {}, "at_least": {}, "reserved_ports": [], "hugepages": 0, "numa_balancing": "keep"}
    params = {**given, "path": str(kernel / "file"), **params}
    module = SimpleNamespace(check_mode=check, _diff=True, params=params, tmpdir=str(kernel))
    module.atomic_move, module.set_mode_if_different = os.replace, lambda *_arguments: False
    return kernel_settings.run(module)


def test_what_the_kernel_takes_is_told_once(kernel):
    wanted = {"hugepages": 2, "numa_balancing": "off"}
    told = run(kernel, check=True, **wanted)
    assert (kernel / PAGES).read_text() == "0\n"
    done = run(kernel, **wanted)
    assert told["applied"] == done["applied"] == {PAGES: "2", "kernel.numa_balancing": "0"}
    assert (done["changed"], done["left"], told["diff"]) == (True, {}, done["diff"])
    assert run(kernel, **wanted)["changed"] is False


def test_a_kernel_that_finds_fewer_huge_pages_was_changed_all_the_same(kernel):
    """The file is there already, so that nothing else changes."""
    (kernel / "file").write_text(f"# Written by vllm.cluster (docs/hosts.md); changes here are lost.\n{PAGES} = 8\n")
    done = run(kernel, hugepages=8)
    assert (done["changed"], done["applied"], done["left"]) == (True, {PAGES: "3"}, {PAGES: "the kernel made 3 of 8"})
    again = run(kernel, hugepages=8)
    assert (again["changed"], again["applied"], again["left"]) == (False, {}, {PAGES: "the kernel made 3 of 8"})


def test_a_kernel_that_takes_nothing_is_told_the_same_in_check_mode_and_is_no_change(kernel, monkeypatch):
    (kernel / "file").write_text(f"# Written by vllm.cluster (docs/hosts.md); changes here are lost.\n{PAGES} = 2\n")
    real = os.open

    def as_of_a_read_only_mount(path, flags, *more, **options):
        if path == str(kernel / PAGES):
            raise OSError(30, "Read-only file system", path)
        return real(path, flags, *more, **options)

    monkeypatch.setattr(kernel_settings.os, "open", as_of_a_read_only_mount)
    told, done = run(kernel, check=True, hugepages=2), run(kernel, hugepages=2)
    assert told == done
    assert (done["changed"], done["applied"]) == (False, {})
    assert done["left"] == {PAGES: "the kernel does not take 2: Read-only file system"}
    assert (kernel / PAGES).read_text() == "0\n"
