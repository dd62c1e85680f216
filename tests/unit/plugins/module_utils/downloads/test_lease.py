# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker on a directory: among processes of a host by flock, among hosts by a number that must go on rising."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.downloads import lease

BEAT, STALE = 0.05, 0.4


def made(path, place=None):
    return lease.Lease(path, beat=BEAT, stale=STALE, settle=0.01, place=place)


def taken(found, seconds=5.0):
    """Seconds until it is held."""
    began = time.monotonic()
    while found.take() is not None:
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def no_flock(monkeypatch):
    """A file system that keeps no such locks among hosts: each believes that it has the lock."""
    monkeypatch.setattr(lease, "_flock", lambda _descriptor: True)


def test_one_at_a_time_on_a_host(tmp_path):
    first, second = made(tmp_path / "lock"), made(tmp_path / "lock")
    assert first.take() is None
    assert second.take() == os.uname().nodename
    first.close()
    assert second.take() is None
    second.close()


def test_a_holder_that_was_killed_holds_nothing(tmp_path):
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import importlib;"
        f"lease = importlib.import_module('{lease.__name__}');"
        "from pathlib import Path; print(lease.Lease(Path(sys.argv[2]), settle=0.01).take(), flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    root = lease.__file__.partition("/ansible_collections/")[0]
    done = subprocess.run([sys.executable, "-c", program, root, tmp_path / "lock"], capture_output=True, check=False)
    assert done.stdout == b"None\n", done.stderr
    assert json.loads((tmp_path / "lock").read_text())["token"]
    assert made(tmp_path / "lock").take() is None


@pytest.mark.usefixtures("no_flock")
def test_another_host_waits_while_the_holder_counts(tmp_path):
    first, second = made(tmp_path / "lock", "one"), made(tmp_path / "lock", "two")
    assert first.take() is None
    end = time.monotonic() + 3 * STALE
    while time.monotonic() < end:
        assert second.take() is not None
        time.sleep(0.05)
    first.close()
    assert taken(second) < STALE


@pytest.mark.usefixtures("no_flock")
def test_another_host_takes_over_when_the_number_stands_still(tmp_path):
    document = {"token": "dead", "place": "one", "host": "gone1", "beat": 7}
    (tmp_path / "lock").write_text(json.dumps(document))
    second = made(tmp_path / "lock", "two")
    assert second.take() == "gone1"
    assert taken(second) >= STALE - 0.1


@pytest.mark.usefixtures("no_flock")
def test_who_lost_it_learns_of_it_and_gives_nothing_back(tmp_path):
    first = made(tmp_path / "lock", "one")
    assert first.take() is None
    (tmp_path / "lock").write_text(json.dumps({"token": "other", "place": "two", "host": "two", "beat": 1}))
    assert first.lost.wait(5)
    first.close()
    assert json.loads((tmp_path / "lock").read_text())["token"] == "other"


@pytest.mark.usefixtures("no_flock")
def test_of_two_claims_at_one_moment_one_gives_way(tmp_path, monkeypatch):
    first = made(tmp_path / "lock", "one")

    def meanwhile(_seconds):
        (tmp_path / "lock").write_text(json.dumps({"token": "other", "place": "two", "host": "two", "beat": 0}))

    monkeypatch.setattr(lease.time, "sleep", meanwhile)
    assert first.take() == "another host"


def test_a_file_system_without_flock_is_no_error(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    first, second = made(tmp_path / "lock"), made(tmp_path / "lock")
    assert first.take() is None
    assert second.take() is not None
    first.close()
    assert second.take() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00" * 512])
def test_what_nobody_wrote_is_free(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    assert made(tmp_path / "lock", "one").take() is None
