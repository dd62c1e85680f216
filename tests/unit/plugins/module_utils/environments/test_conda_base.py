# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installers that are real shell scripts, of conda's options; what they install is a script that tells a version."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments import conda, conda_base
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda import CondaSettings
from ansible_collections.vllm.cluster.plugins.module_utils.environments.state import EnvironmentFailure

GOOD = """#!/bin/sh
[ "$1 $2" = "-b -p" ] || exit 2
[ -e "$3" ] && { echo "ERROR: File or directory already exists" >&2; exit 1; }
mkdir -p "$3/bin" && printf '#!/bin/sh\\necho conda 26\\n' > "$3/bin/conda" && chmod +x "$3/bin/conda"
"""
BROKEN = GOOD + 'echo "No space left on device" >&2; exit 1\n'
LAME = GOOD.replace("echo conda 26", "exit 1")


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def sources():
    """Addresses and what they hold; others cannot be reached."""
    return {}


@pytest.fixture
def ensure(tmp_path, sources):
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def fetch(address, file):
        if address not in sources:
            raise OSError("Connection refused")
        file.write_text(sources[address])

    def run(argv, _variables):
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def call(settings, run=run):
        return conda_base.ensure_conda(run, fetch, settings, scratch, 60)

    call.run = run
    return call


def settings(tmp_path, installers, text=GOOD):
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return CondaSettings(directory=str(tmp_path / "conda"), installers=tuple(installers), checksum=checksum)


def leftovers(tmp_path):
    folder = tmp_path / "conda"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_first_source_that_has_it_is_taken_and_the_second_time_nothing_is(tmp_path, ensure, sources):
    sources.update({"https://b.example": GOOD, "https://liar.example": "something else"})
    wanted = settings(tmp_path, ["https://down.example", "https://liar.example", "https://b.example"])
    assert ensure(wanted) is True
    assert conda_base.has_conda(ensure.run, wanted)
    sources.clear()
    assert ensure(wanted) is False
    assert leftovers(tmp_path) == [conda.base(wanted).name]


def test_an_installer_may_lie_on_the_host(tmp_path, ensure):
    file = tmp_path / "installer.sh"
    file.write_text(GOOD)
    assert ensure(settings(tmp_path, [str(file)])) is True
    assert file.exists()


def test_a_wrong_checksum_is_refused_before_anything_runs(tmp_path, ensure, sources):
    sources["https://user:secret@a.example"] = GOOD + "# tampered with\n"
    with pytest.raises(EnvironmentFailure, match=r"(?s)its sha256 is .*, and should be .*Fix: ") as failure:
        ensure(settings(tmp_path, ["https://user:secret@a.example"]))
    assert "secret" not in str(failure.value)
    assert leftovers(tmp_path) == []


def test_a_source_that_is_down_is_named(tmp_path, ensure):
    with pytest.raises(EnvironmentFailure, match=r"https://a\.example: Connection refused"):
        ensure(settings(tmp_path, ["https://a.example"]))


@pytest.mark.parametrize(("text", "told"), [(BROKEN, "Fix: free disk space"), (LAME, "does not work")])
def test_an_installer_that_fails_leaves_nothing(tmp_path, ensure, sources, text, told):
    sources["https://a.example"] = text
    with pytest.raises(EnvironmentFailure, match=rf"(?s)could not be installed in .*{told}"):
        ensure(settings(tmp_path, ["https://a.example"], text))
    assert leftovers(tmp_path) == []


def test_a_run_that_dies_is_finished_by_the_next(tmp_path, ensure, sources):
    sources["https://a.example"] = GOOD
    wanted = settings(tmp_path, ["https://a.example"])

    def die(argv, variables):
        if argv[0] == "bash":
            ensure.run(argv, variables)
            raise Killed
        return ensure.run(argv, variables)

    with pytest.raises(Killed):
        ensure(wanted, run=die)
    assert not conda_base.has_conda(ensure.run, wanted), "what an installer did not finish is no conda"
    assert ensure(wanted) is True
    assert leftovers(tmp_path) == [conda.base(wanted).name]


def test_a_directory_of_somebody_else_stays(tmp_path, ensure, sources):
    sources["https://a.example"] = GOOD
    wanted = settings(tmp_path, ["https://a.example"])
    precious = conda.base(wanted) / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(EnvironmentFailure, match="holds no working conda"):
        ensure(wanted)
    assert precious.exists()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (CondaSettings(path="/nowhere/conda"), "no working conda at /nowhere/conda"),
        (CondaSettings(), "nothing to install it from"),
        (CondaSettings(installers=("https://a.example",)), "nothing to install it from"),
    ],
)
def test_what_is_missing_is_told(ensure, wanted, told):
    with pytest.raises(EnvironmentFailure, match=rf"{told}.*Fix: "):
        ensure(wanted)
