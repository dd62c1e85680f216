# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.environments import conda
from ansible_collections.vllm.cluster.plugins.module_utils.environments.conda import CondaSettings
from ansible_collections.vllm.cluster.plugins.module_utils.environments.failures import explain

CLOSED = "https://user:secret@conda.example/lab"
TOKEN = "https://conda.example/t/to-ken/lab"


def arguments(settings, **options):
    return conda.create_arguments(settings, Path("/envs/e"), ["python=3.12"], options.get("dry_run", False))


def test_each_installer_has_a_place_of_its_own():
    settings = CondaSettings(directory="/opt/conda", checksum="0123456789abcdef" * 4)
    assert conda.program(settings) == Path("/opt/conda/base-0123456789ab/bin/conda")
    assert conda.program(CondaSettings(path="/usr/bin/conda")) == Path("/usr/bin/conda")


def test_only_the_channels_that_are_named_are_asked():
    words = arguments(CondaSettings(channels=("https://a.example/x", "bioconda")))
    assert "--override-channels" in words
    assert [words[at + 1] for at, word in enumerate(words) if word == "--channel"] == [
        "https://a.example/x",
        "bioconda",
    ]
    assert words[-1] == "python=3.12"
    assert "--dry-run" not in words
    assert "--dry-run" in arguments(CondaSettings(), dry_run=True)


def test_conda_forge_is_the_channel_of_who_names_none():
    assert "conda-forge" in arguments(CondaSettings())


@pytest.mark.parametrize("address", [CLOSED, TOKEN])
def test_a_password_is_in_the_condarc_alone(address):
    settings = CondaSettings(channels=("conda-forge", address), directory="/opt/conda")
    words, content = arguments(settings), json.loads(conda.condarc(settings))
    assert "secret" not in str(words)
    assert "to-ken" not in str(words)
    (name,) = content["custom_multichannels"]
    assert content["custom_multichannels"][name] == [address]
    assert words[words.index("--channel", words.index("conda-forge")) + 1] == name
    assert content["channels"] == ["conda-forge", name]


def test_the_condarc_is_strict_and_takes_mirrors():
    content = json.loads(conda.condarc(CondaSettings(channel_alias="https://mirror.example/cloud")))
    assert content["channel_priority"] == "strict"
    assert content["channel_alias"] == "https://mirror.example/cloud"
    assert content["add_pip_as_python_dependency"] is False
    assert "channel_alias" not in json.loads(conda.condarc(CondaSettings()))
    assert conda.variables(Path("/tmp/rc"))["CONDARC"] == "/tmp/rc"


def test_packages_are_read_from_their_files_and_can_be_asked_for_again(tmp_path):
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    for name in ("history", "python-3.12.11-h9e4cc4f_0_cpython.json", "ld_impl_linux-64-2.44-h1.json"):
        (meta / name).touch()
    found = conda.installed(tmp_path)
    assert found == {"conda/python": "3.12.11=h9e4cc4f_0_cpython", "conda/ld_impl_linux-64": "2.44=h1"}
    assert conda.python_version(found) == "3.12.11"
    exact = ["ld_impl_linux-64=2.44=h1", "python=3.12.11=h9e4cc4f_0_cpython"]
    assert sorted(conda.locked({**found, "six": "1.17"})) == exact
    assert conda.installed(tmp_path / "nowhere") == {}
    assert conda.python_version({}) is None


def test_a_dry_run_tells_what_would_be_there():
    item = {"name": "python", "version": "3.12.11", "build_string": "h0"}
    assert conda.linked(json.dumps({"actions": {"LINK": [item]}})) == {"conda/python": "3.12.11=h0"}
    assert conda.linked("no answer") == {}
    assert conda.linked("{}") == {}


# What conda 26.7 answers with --json, shortened, and py-rattler's words where they differ.
ABSENT = (
    '{"exception_name": "PackagesNotFoundInChannelsError", "error": "PackagesNotFoundInChannelsError: x", '
    '"message": "The following packages are not available from current channels:\\n  - python=3.99"}'
)
UNSOLVED = '{"exception_name": "LibMambaUnsatisfiableError", "message": "Encountered problems while solving"}'
NO_CHANNEL = '{"exception_name": "UnavailableInvalidChannel", "message": "HTTP 404 NOT FOUND for channel lab"}'
NO_ROUTE = '{"exception_name": "CondaHTTPError", "message": "HTTP 000 CONNECTION FAILED for url <https://x/y>"}'
NO_ACCESS = '{"exception_name": "CondaHTTPError", "message": "HTTP 401 UNAUTHORIZED for url <https://x/y>"}'
RATTLER = (
    '{"exception_name": "SolverError", "message": "Cannot solve the request because of: No candidates were found"}'
)


@pytest.mark.parametrize(
    ("output", "fix"),
    [
        (ABSENT, "correct the version"),
        (UNSOLVED, "versions that go together"),
        (NO_CHANNEL, "channels that exist"),
        (NO_ROUTE, "reach the channel"),
        (NO_ACCESS, "user and password, or token"),
        (RATTLER, "correct the version"),
        ("OSError: [Errno 28] No space left on device", "disk space"),
    ],
)
def test_what_conda_says_becomes_what_to_do(output, fix):
    text = explain(conda.told(output), 1, 60, conda.HINTS)
    assert fix in text.partition("Fix: ")[2]
    assert '{"' not in text
