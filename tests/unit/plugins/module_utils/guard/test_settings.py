# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration: what is taken, and each mistake in one line that names its key."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.guard import program, settings

HEAD = {
    "engine": "r1-0",
    "service": "r1",
    "role": "head",
    "member": "gpu1",
    "units": ["vllm-r1-0-ray.service", "vllm-r1-0.service"],
    "listen": {"address": "10.9.0.1", "port": 29600},
    "members": ["gpu2"],
    "secret_file": "/etc/vllm/r1-0.secret",
    "api": {"url": "http://127.0.0.1:8000/", "model": "r1"},
    "start_timeout_s": 1800,
    "stalled_after_s": 60,
    "backoff_s": [0, 10],
    "kill_after_s": None,
}
WORKER = {
    **{key: HEAD[key] for key in ("engine", "service", "units", "secret_file")},
    "role": "worker",
    "member": "gpu2",
    "head": {"address": "10.9.0.1", "port": 29600},
}


def test_a_head():
    found = settings.parse(json.dumps(HEAD))
    assert (found.address, found.port, found.members) == ("10.9.0.1", 29600, ("gpu2",))
    assert found.api == settings.Api("http://127.0.0.1:8000", "r1")
    assert found.rules.stalled_after_s == 60
    assert found.rules.backoff_s == (0, 10)
    assert found.rules.kill_after_s is None
    assert found.rules.lost_after_s == 5


def test_units_may_run_containers():
    assert not settings.parse(json.dumps(WORKER)).containers
    assert settings.parse(json.dumps({**WORKER, "containers": True})).containers


def test_a_worker_has_no_api():
    assert settings.parse(json.dumps(WORKER)).api is None


@pytest.mark.parametrize(
    ("document", "key", "value", "said"),
    [
        (HEAD, "role", "boss", "role: 'boss' is neither head nor worker"),
        (HEAD, "role", None, "role: missing"),
        (HEAD, "lost_afer_s", 5, "lost_afer_s: no such key for a head"),
        (WORKER, "listen", {}, "listen: no such key for a worker"),
        (HEAD, "listen", None, "listen: missing"),
        (HEAD, "listen", {"address": "x", "port": "29600"}, "listen.port: '29600' is no port"),
        (HEAD, "listen", {"address": "x", "port": 70000}, "listen.port: 70000 is no port"),
        (HEAD, "listen", {"address": "x", "port": 1, "host": 2}, "listen.host: no such key"),
        (HEAD, "listen", {"address": "gpu1", "port": 1}, "listen.address: 'gpu1' is no IP address"),
        (HEAD, "units", [], "units: names no unit"),
        (HEAD, "units", ["--root=/"], "units: must be a list of names"),
        (HEAD, "members", ["gpu1"], "members: gpu1 is the head itself"),
        (HEAD, "members", ["a", "a"], "members: a name stands there twice"),
        (HEAD, "engine", "../x", "engine: '../x' is no name"),
        (HEAD, "api", {"url": "https://x", "model": "m"}, "api.url: must be http://address:port"),
        (HEAD, "api", {"url": "http://u:p@x", "model": "m"}, "api.url: must be http://address:port"),
        (HEAD, "api", {"url": "http://x"}, "api.model: missing"),
        (HEAD, "stalled_after_s", True, "stalled_after_s: True is no number of seconds"),
        (HEAD, "stalled_after_s", -1, "stalled_after_s: -1 is no number of seconds"),
        (HEAD, "stalled_after_s", 3, "stalled_after_s: must be more than canary_every_s"),
        (HEAD, "lost_after_s", 1, "lost_after_s: less than 3 s takes a late heartbeat for a lost member"),
        (HEAD, "containers", "yes", "containers: must be true or false"),
        (HEAD, "lockstep", 1, "lockstep: must be true or false"),
        (HEAD, "backoff_s", [], "backoff_s: must be a list of seconds"),
    ],
)
def test_mistakes_are_named(document, key, value, said):
    wrong = copy.deepcopy(document)
    wrong[key] = value
    with pytest.raises(settings.SettingsError) as caught:
        settings.parse(json.dumps(wrong))
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["", "[]", "{", '{"role": NaN'])
def test_no_object_is_said(text):
    with pytest.raises(settings.SettingsError, match="no JSON"):
        settings.parse(text)


def secret(folder, text="0123456789abcdef", mode=0o600):
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_secret_without_its_line_end(tmp_path):
    assert settings.secret(secret(tmp_path, "0123456789abcdef\n")) == b"0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("0123456789abcdef", 0o640, "others than its owner can read it"),
        ("short", 0o600, "a secret has 16 to 4096 bytes, this one 5"),
        ("x" * 5000, 0o600, "a secret has 16 to 4096 bytes"),
    ],
)
def test_bad_secrets(tmp_path, text, mode, said):
    with pytest.raises(settings.SettingsError, match=said):
        settings.secret(secret(tmp_path, text, mode))


def test_a_missing_secret_and_a_folder(tmp_path):
    with pytest.raises(settings.SettingsError, match="No such file"):
        settings.secret(str(tmp_path / "none"))
    with pytest.raises(settings.SettingsError, match="Is a directory"):
        settings.secret(str(tmp_path))


def test_check_says_one_line(tmp_path, capsys):
    config = tmp_path / "guard.json"
    config.write_text(json.dumps({**WORKER, "secret_file": secret(tmp_path)}))
    assert program.main(["check", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "worker of engine r1-0: 2 units, member gpu2\n"
    config.write_text(json.dumps({**WORKER, "secret_file": secret(tmp_path, mode=0o644)}))
    assert program.main(["run", "--config", str(config)]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "mode must be 0600" in said.err
    assert program.main(["run", "--config"]) == program.main(["guard"]) == program.main([]) == 64
    assert program.main(["run"]) == 78
    assert program.main(["run", "--config", str(tmp_path / "none")]) == 78


def test_the_environment_holds_it_where_no_file_is_named():
    environment = {"VLLM_GUARD_CONFIG": json.dumps(HEAD), "VLLM_API_KEY": "sk-1"}
    found = settings.found(environment, None)
    assert found.api.key == "sk-1"
    assert "sk-1" not in repr(found)
    with pytest.raises(settings.SettingsError, match="VLLM_GUARD_CONFIG: role"):
        settings.found({"VLLM_GUARD_CONFIG": "{}"}, None)
