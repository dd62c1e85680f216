# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""packages.sh installs nothing without consent.

The real script runs with a PATH that holds only what it needs; apt-get, sudo and id there are recorders.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess

import pytest
from checkout import ROOT

SCRIPT = ROOT / "tests" / "run" / "packages.sh"
RECORDER = '#!/bin/sh\necho "{name} $*" >>"$RECORD"\n[ {name} != sudo ] || exec "$@"\nexit "${{APT_STATUS:-0}}"\n'


def all_of(terminal):
    """What came to a terminal whose other end is closed. The kernel brings it in pieces, and late on a busy machine."""
    with open(terminal, "rb", buffering=0) as file:
        said = b""
        with contextlib.suppress(OSError):  # EIO: the end
            while piece := file.read(10_000):
                said += piece
    return said.decode()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without git, ssh and dockerd; gives a function that runs the script there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "env"):
        (folder / name).symlink_to(shutil.which(name))
    for name in ("apt-get", "sudo"):
        (folder / name).write_text(RECORDER.format(name=name))
        (folder / name).chmod(0o755)
    for name in ("YES", "CI", "PYTHON"):
        monkeypatch.delenv(name, raising=False)
    script = shutil.copy(SCRIPT, tmp_path)
    shutil.copymode(SCRIPT, shutil.copy(SCRIPT, tmp_path / "find_python.sh"))
    record = tmp_path / "record"
    record.touch()

    def run(*commands, uid=0, answer=None, fits=True, **variables):
        (tmp_path / "find_python.sh").write_text(f"#!/bin/sh\nexit {int(not fits)}\n")
        (folder / "id").write_text(f"#!/bin/sh\necho {uid}\n")
        (folder / "id").chmod(0o755)
        environment = {**os.environ, "PATH": str(folder), "RECORD": str(record), **variables}
        terminal = other = None
        if answer is not None:
            terminal, other = pty.openpty()
            os.write(terminal, f"{answer}\n".encode())
        try:
            done = subprocess.run(
                [script, *commands],
                env=environment,
                stdin=subprocess.DEVNULL if other is None else other,
                stderr=subprocess.PIPE if other is None else other,
                text=True,
                check=False,
                timeout=30,
            )
        finally:
            if other is not None:
                os.close(other)
        said = done.stderr if terminal is None else all_of(terminal)
        return done.returncode, said, record.read_text().splitlines()

    return run


INSTALLS = [
    "apt-get update --quiet=2",
    "apt-get install --yes --no-install-recommends git openssh-client",
]


def test_nothing_is_missing(machine):
    assert machine("sh", "env") == (0, "", [])


def test_packages_are_called_otherwise_than_their_commands(machine):
    _status, _said, calls = machine("ip", "iptables", "nft", "rsync")
    assert calls[1].endswith(" iproute2 iptables nftables rsync")


def test_root_without_a_terminal_announces_and_installs_each_package_once(machine):
    status, said, calls = machine("git", "ssh", "ssh-keygen")
    assert (status, calls) == (0, INSTALLS)
    assert "installing what is missing: git openssh-client" in said


@pytest.mark.parametrize("variables", [{"YES": "1"}, {"CI": "true"}], ids=str)
def test_a_person_without_a_terminal_consents_by_a_variable(machine, variables):
    status, _said, calls = machine("git", "ssh", uid=1000, **variables)
    assert status == 0
    assert [call for call in calls if call.startswith("sudo ")] == [
        "sudo apt-get update --quiet=2",
        "sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends git openssh-client",
    ]
    assert [call for call in calls if call.startswith("apt-get ")] == INSTALLS


def test_a_person_without_a_terminal_has_not_consented(machine):
    status, said, calls = machine("git", uid=1000)
    assert (status, calls) == (1, [])
    assert "Fix: sudo apt-get install --yes --no-install-recommends git, or set YES=1" in said


@pytest.mark.parametrize("variables", [{}, {"CI": "true"}], ids=str)
@pytest.mark.parametrize("answer", [None, "y"])
def test_no_is_stronger_than_all_else(machine, answer, variables):
    status, said, calls = machine("git", "dockerd", answer=answer, YES="0", **variables)
    assert (status, calls) == (1, [])
    assert "Fix: apt-get install --yes --no-install-recommends git docker.io" in said


@pytest.mark.parametrize(("answer", "status", "calls"), [("y", 0, INSTALLS), ("n", 1, []), ("", 1, [])])
def test_on_a_terminal_it_asks_even_root(machine, answer, status, calls):
    told, said, called = machine("git", "ssh", answer=answer)
    assert (told, called) == (status, calls)
    assert "missing: git openssh-client. Install them? [y/N]" in said


def test_what_the_playbooks_install_is_asked_for_and_left_to_them(machine):
    status, said, calls = machine("dockerd", "debootstrap")
    assert (status, calls) == (0, [])
    assert "docker.io debootstrap" in said


@pytest.mark.parametrize(("fits", "calls"), [(True, []), (False, ["python3-venv"])])
def test_a_python_that_does_not_fit_is_missing(machine, fits, calls):
    status, _said, called = machine("python", fits=fits)
    assert status == 0
    assert [call.split()[-1] for call in called[1:]] == calls


def test_a_failing_apt_is_told_with_the_command(machine):
    status, said, calls = machine("git", APT_STATUS="100")
    assert (status, calls) == (1, INSTALLS[:1])
    assert "apt-get failed. Fix: apt-get install --yes --no-install-recommends git" in said


def test_no_apt_here(machine, tmp_path):
    (tmp_path / "bin" / "apt-get").unlink()
    status, said, _calls = machine("git")
    assert status == 1
    assert "There is no apt-get here" in said
