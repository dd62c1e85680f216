# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments of uv and of conda under running engines: they stay, move between two releases, and come back.

In order: a test builds on the state that the one before left. conda's installer and command line are stand-ins; solver,
channel and packages are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.testinfra.lab import ROOT, main_pid
from tests.testinfra.requests import Stream

ENVS = "/opt/vllm/envs"
TOKEN = "to-ken-7"
#: The release of the inventory, and the one that it is led to: both as the package index has them.
OLD, NEW = "0.31.0", "0.32.0"
FIRST, SECOND = f"{ENVS}/vllm-{OLD}-cpu", f"{ENVS}/vllm-{NEW}-cpu"


def environment(host, unit="vllm-chat-0"):
    """The environment that a unit's process runs from, whatever the unit file says."""
    words = host.file(f"/proc/{main_pid(host, unit)}/cmdline").content_string.split("\0")
    (found,) = {word.partition("/bin/")[0] for word in words if word.startswith(f"{ENVS}/")}
    return found


@pytest.fixture
def env1(lab):
    return lab.host("env1")


@pytest.fixture
def env2(lab):
    return lab.host("env2")


def deploy(lab, host, variables, **options):
    return lab.playbook("site.yml", "--limit", host, extra=variables, **options)


def clients(lab):
    """Clients that ask chat on env1 one after the other."""
    return Stream(f"http://{lab.address('env1')}:8000", "chat", key="", clients=2)


def assert_one_gap(stream):
    """Nobody listened for a while, once; all else was answered, but for what the old engine had begun when it ended."""
    closed = [outcome.began for outcome in stream.fates("closed")]
    first, last = min(closed), max(closed)
    print(f"no answer for {last - first:.1f} s")
    assert all(outcome.began < first for outcome in stream.fates("failed") + stream.fates("cut")), stream.report()
    assert not [outcome for outcome in stream.fates("answered") if first < outcome.began < last], stream.report()


def away(cache):
    """No index answers, and no wheel was kept: the cache is one that nobody used."""
    return {"vllm_python_index_url": "http://127.0.0.1:9/simple", "vllm_uv_cache_dir": cache}


def release(lab):
    """What the engine's own modules say that they are."""
    return json.loads(lab.ask("env1", 8000, "/version")[1])["version"]


def module(lab, host, arguments, name="uv_env"):
    """What a module says of arguments of its own."""
    words = [str(Path(sys.executable).with_name("ansible")), host, "-i", str(lab.inventory)]
    words += ["--playbook-dir", str(ROOT / "playbooks"), "-m", f"vllm.cluster.{name}", "-a", json.dumps(arguments)]
    plain = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(words, env=plain, capture_output=True, text=True, check=False, timeout=120)
    print(done.stdout)
    return json.loads(done.stdout.partition("=>")[2]), done.stdout


def test_conda_made_what_was_asked_and_the_engine_runs_from_it(lab, env2):
    path = environment(env2, "vllm-snake-0")
    assert env2.file(f"{path}/share/lab-tool").content_string == "1.0\n"
    versions = (
        "import sys, lab_library, importlib.metadata as m; print(sys.prefix, sys.base_prefix, m.version('lab-library'))"
    )
    assert env2.check_output("%s/bin/python -c %s", path, versions) == f"{path} {path} 1.0"
    names = env2.check_output("ls %s/conda-meta", path).split()
    assert {name.rsplit("-", 2)[0] for name in names if name != "history"} == {"python", "lab-tool", "lab-library"}
    assert lab.completion("env2", 8000, "snake")[0] == 200


def test_the_persons_own_settings_of_conda_are_neither_followed_nor_changed(env2):
    assert "127.0.0.1:9/foreign" in env2.file("/root/.condarc").content_string
    assert not env2.file("/etc/conda").exists
    path = environment(env2, "vllm-snake-0")
    places = f"/etc /root /home /tmp /var/tmp /opt/vllm/conda/base-* /opt/vllm/envs/.*.json {path}/conda-meta"
    assert env2.run(f"grep -rlFD skip -e {TOKEN} {places}").stdout.split() == []
    assert env2.file("/opt/vllm/conda/pkgs").mode == 0o700  # what conda keeps there names its channels
    lines = env2.check_output("journalctl --no-pager --output=cat").splitlines()
    theirs = ("HTTP/1.1", "make_channel.py")  # of the channel's own server, and of who made it
    assert [line for line in lines if TOKEN in line and not any(word in line for word in theirs)] == []


def test_a_second_run_changes_nothing_within_the_environments(lab, env1, env2):
    places = [(env1, "vllm-chat-0", FIRST), (env2, "vllm-snake-0", environment(env2, "vllm-snake-0"))]
    assert environment(env1) == FIRST
    assert release(lab) == OLD
    before = [main_pid(host, unit) for host, unit, _path in places]
    for host, _unit, path in places:
        host.run_expect([0], "touch %s/stone", path)
    run = lab.playbook("site.yml", "--diff")
    assert run.status == 0
    assert run.changed("env1", "env2") == {"env1": 0, "env2": 0}
    assert TOKEN not in run.output
    for host, _unit, path in places:
        assert host.file(f"{path}/stone").exists
    assert [main_pid(host, unit) for host, unit, _path in places] == before


BASE = {"name": "t", "path": "/srv/t", "python": "3.11", "requirements": ["idna==3.10"]}


@pytest.mark.parametrize(
    ("conda", "changes", "told"),
    [
        (["python=3.99"], {}, ["python", "3.99", "Fix: correct the version"]),
        (["python=3.11", "no-such-tool=1"], {}, ["no-such-tool", "Fix: correct the version"]),
        (
            ["python=3.11"],
            {"conda_channels": [f"http://127.0.0.1:8801/t/{TOKEN}/nothing"]},
            ["404", "Fix: name channels that exist"],
        ),
        (["python=3.11"], {"conda_channels": ["http://127.0.0.1:9/down"]}, ["Fix: let the host reach the channel"]),
        (["lab-tool=1.0"], {}, ["without a Python"]),
        (
            ["python=3.11"],
            {"conda_checksum": "0" * 64},
            ["its sha256 is ", f"should be {'0' * 64}", "127.0.0.1:9", "Fix: set conda_installers"],
        ),
    ],
)
def test_what_conda_cannot_do_is_one_error_and_leaves_nothing(lab, env2, conda, changes, told):
    written = env2.check_output("cat /srv/installer.sha256").split()[0]
    arguments = {
        "environments": [{**BASE, "conda": conda}],
        "uv_version": "0.13.8",
        "conda_installers": ["http://127.0.0.1:9/x.sh", "http://127.0.0.1:8801/Miniforge3-lab.sh"],
        "conda_checksum": written,
        "conda_channels": [f"http://127.0.0.1:8801/t/{TOKEN}/lab"],
        **changes,
    }
    answer, output = module(lab, "env2", arguments)
    assert "FAILED!" in output
    for text in told:
        assert text in answer["msg"]
    assert TOKEN not in output
    assert not env2.file("/srv/t").exists
    assert not env2.file("/srv/.t.json").exists
    assert env2.check_output("ls /opt/vllm/conda") == f"base-{written[:12]}\npkgs"


def test_with_consent_conda_keeps_only_what_environments_are_made_from(lab, env2):
    """The engine's environment and what it was made from stay; a former one goes with the package that it alone had."""
    snake = environment(env2, "vllm-snake-0")
    checksum = env2.check_output("cat /srv/installer.sha256").split()[0]
    former = {**BASE, "path": f"{ENVS}/former", "conda": ["python=3.11", "lab-tool=2.0"]}
    arguments = {"environments": [former], "uv_version": "0.13.8", "conda_checksum": checksum}
    arguments |= {"conda_channels": [f"http://127.0.0.1:8801/t/{TOKEN}/lab"]}
    assert module(lab, "env2", arguments)[0]["changed"] is True
    kept = env2.check_output("ls /opt/vllm/conda/pkgs").split()
    assert [name for name in kept if name.startswith("lab-tool-2.0")]
    arguments = {"folder": ENVS, "keep": [snake], "conda_dir": "/opt/vllm/conda", "conda_checksum": checksum}
    done, _output = module(lab, "env2", arguments, "env_prune")
    assert done["removed"] == [former["path"]]
    assert {name.rpartition("-")[0] for name in done["packages"]} == {"lab-tool-2.0"}
    left = env2.check_output("ls /opt/vllm/conda/pkgs").split()
    assert sorted([*left, *done["packages"]]) == sorted(kept)
    assert env2.check_output("%s/bin/python -c 'import lab_library; print(lab_library.VERSION)'", snake) == "1.0"
    assert env2.check_output("ls /opt/vllm/conda") == f"base-{checksum[:12]}\npkgs"
    assert module(lab, "env2", arguments, "env_prune")[0]["changed"] is False


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("numpy==0.0.1", ["numpy==0.0.1", "Fix: correct the version"]),
        # It resolves, and no Python since 3.10 can import it.
        pytest.param(
            "cachetools==2.0.0",
            ["its vLLM does not start", "has no attribute 'MutableMapping'", "in vllm_env_packages"],
            marks=pytest.mark.by_hand,
        ),
    ],
)
def test_an_environment_that_cannot_be_had_costs_the_engine_nothing(lab, env1, package, told):
    before = main_pid(env1, "vllm-chat-0")
    run = deploy(lab, "env1", {"vllm_env_packages": [package], "vllm_allow_restart": True})
    assert run.status != 0
    for text in told:
        assert text in run.output
    assert main_pid(env1, "vllm-chat-0") == before
    assert lab.completion("env1", 8000, "chat")[0] == 200
    assert env1.check_output("ls -A %s", ENVS).split() == [f".vllm-{OLD}-cpu.json", f"vllm-{OLD}-cpu"]


def test_a_release_that_the_index_does_not_give_costs_the_engine_nothing(lab, env1):
    before = main_pid(env1, "vllm-chat-0")
    run = deploy(lab, "env1", {**away("/srv/no-wheels"), "vllm_version": NEW, "vllm_allow_restart": True})
    assert run.status != 0
    assert "Fix: let the host reach the index" in run.output
    assert main_pid(env1, "vllm-chat-0") == before
    assert env1.check_output("ls %s", ENVS) == f"vllm-{OLD}-cpu"


def test_a_new_release_is_made_beside_and_needs_consent_to_be_taken(lab, env1):
    before = main_pid(env1, "vllm-chat-0")
    with clients(lab) as stream:
        run = deploy(lab, "env1", {"vllm_version": NEW})
    assert run.status != 0
    assert "vllm_allow_restart" in run.output
    assert set(stream.count()) == {"answered"}, stream.report()
    assert main_pid(env1, "vllm-chat-0") == before
    assert environment(env1) == FIRST
    assert env1.file(f"{SECOND}/bin/vllm").is_file


def test_with_consent_the_engine_moves_to_it(lab, env1):
    """Clients are answered up to the restart, and after it by the new release."""
    with clients(lab) as stream:
        stream.wait(answers=3)
        run = deploy(lab, "env1", {"vllm_version": NEW, "vllm_allow_restart": True})
        stream.wait(answers=3)
    assert run.status == 0
    assert environment(env1) == SECOND
    assert release(lab) == NEW
    assert_one_gap(stream)


@pytest.mark.by_hand
def test_an_engine_that_does_not_come_up_says_how_to_go_back(lab, env1):
    """Its vLLM starts when it is tried, and not as this engine."""
    file = "/srv/wheels/lab_extra-1.0-py3-none-any.whl"
    checksum = env1.check_output("sha256sum %s", file).split()[0]
    package = f"lab-extra @ file://{file}#sha256={checksum}"
    variables = {"vllm_version": NEW, "vllm_env_packages": [package], "vllm_allow_restart": True}
    run = deploy(lab, "env1", variables)
    assert run.status != 0
    assert "To go back, run site.yml with what was changed as it was before" in run.output
    assert FIRST in run.output
    assert SECOND in run.output
    assert lab.ask("env1", 8000, "/health")[0] == 0


def test_going_back_fetches_nothing_and_leaves_no_other_environment(lab, env1):
    """No index answers. With consent to prune, what nobody uses is gone once the engine has proved itself."""
    unit = f"[Service]\nExecStart={SECOND}/bin/python\n"
    env1.run_expect([0], "printf %s > /etc/systemd/system/mine.service", unit)
    began = time.monotonic()
    run = deploy(
        lab, "env1", {**away("/srv/unused"), "vllm_version": OLD, "vllm_allow_restart": True, "vllm_env_prune": True}
    )
    print(f"back in {time.monotonic() - began:.1f} s")
    assert run.status == 0
    assert not env1.file("/srv/unused").exists  # uv was never started
    assert environment(env1) == FIRST
    assert release(lab) == OLD
    assert lab.completion("env1", 8000, "chat")[0] == 200
    # The broken one is gone; the newer one is named by a unit of somebody else.
    assert sorted(env1.check_output("ls -d %s/*", ENVS).split()) == [FIRST, SECOND]
    env1.run_expect([0], "rm /etc/systemd/system/mine.service")
