# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From front doors of the plan to files on a host: the real action and module, a stand-in for nginx."""

from __future__ import annotations

import stat

import pytest

from tests.unit.plugins.module_utils.router.doors import PAIRS, REPLICAS, changed

CLIENT, ENGINE = 'cl"i$ent-\\Key', "engine-Key"
SERVICES = [{"name": "chat", "model": "m", "api_key": CLIENT, "secrets": {"ENGINE": ENGINE}}]
RELOAD = "systemctl reload vllm-chat-door.service"


@pytest.fixture
def host(tmp_path, systemd, play):
    """Apply front doors to a folder; refuses what holds the word of a refused path."""
    nginx = systemd.folder / "nginx"
    nginx.write_text(
        '#!/bin/sh\necho "nginx $*" >> "$(dirname "$0")/calls"\n'
        'grep -q /refused/ "$4" || exit 0\n'
        'echo "nginx: [emerg] cannot load certificate" >&2\n'
        f"echo 'nginx: [emerg] bad {ENGINE} in /x/keys.conf:3' >&2\n"
        "exit 1\n"
    )
    nginx.chmod(0o755)
    root = tmp_path / "routers"

    def call(*items, options=(), services=None, **arguments):
        return play(
            "router_files",
            {"plan": list(items), "config_dir": str(root), **arguments},
            SERVICES if services is None else services,
            options,
        )

    call.root, call.folder, call.calls = root, root / "chat", systemd.calls
    return call


def test_files_are_written_for_their_owner_alone_and_only_once(host):
    rc, output, result = host(REPLICAS, options=["-vvvv", "--diff"])
    assert rc == 0
    assert result["written"] == [str(host.folder / "nginx.conf"), str(host.folder / "keys.conf")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in host.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(host.root.stat().st_mode) == 0o700
    assert sorted(path.name for path in host.folder.iterdir()) == ["keys.conf", "nginx.conf"]
    # A reload that the files of a running door need; what is_active tells is the stand-in's "yes".
    assert [call for call in host.calls() if "reload" in call] == [RELOAD]
    for key in (CLIENT, ENGINE, "ent\\x2d", "\\x5cKey"):
        assert key not in output
    again = host(REPLICAS)[2]
    assert not again["changed"]
    assert host.calls().count(RELOAD) == 1


def test_a_changed_key_is_told_and_not_shown(host):
    host(REPLICAS)
    services = [{**SERVICES[0], "api_key": "another-Key"}]
    rc, output, result = host(REPLICAS, services=services, options=["--diff"])
    assert rc == 0
    assert result["written"] == [str(host.folder / "keys.conf")]
    assert "(hidden, changed)" in output
    assert "another" not in output
    assert "another" in (host.folder / "keys.conf").read_text()


def test_check_mode_tells_and_changes_nothing(host):
    rc, output, result = host(REPLICAS, options=["--check", "--diff"])
    assert rc == 0
    assert result["changed"]
    assert "worker_processes 2;" in output
    assert not host.root.exists()
    assert RELOAD not in host.calls()


def test_what_nginx_refuses_replaces_nothing_and_shows_no_key(host):
    host(REPLICAS)
    before = {path.name: path.read_text() for path in host.folder.iterdir()}
    refused = {**REPLICAS, "tls": {"certificate": "/refused/c.pem", "key": "/k.pem"}}
    rc, output, result = host(refused)
    assert rc != 0
    assert "cannot load certificate" in result["msg"]
    assert "a mistake in keys.conf:3" in result["msg"]
    assert ENGINE not in output
    assert {path.name: path.read_text() for path in host.folder.iterdir()} == before
    assert host.calls().count(RELOAD) == 1


def test_a_run_that_was_cut_off_before_the_reload_is_made_good(host):
    host(REPLICAS)
    (host.folder / ".reload").touch()
    result = host(REPLICAS)[2]
    assert result["changed"]
    assert result["reloaded"] == ["chat"]
    assert host.calls().count(RELOAD) == 2
    assert not host(REPLICAS)[2]["changed"]


def test_a_file_that_others_can_read_is_written_anew(host):
    host(REPLICAS)
    (host.folder / "keys.conf").chmod(0o644)
    assert host(REPLICAS)[2]["written"] == [str(host.folder / "keys.conf")]
    assert stat.S_IMODE((host.folder / "keys.conf").stat().st_mode) == 0o600


def test_doors_of_other_days_are_told_and_removed_when_asked(host):
    host(REPLICAS)
    result = host(prune=False)[2]
    assert (result["stale"], result["changed"]) == (["chat"], False)
    assert host.folder.exists()
    assert host()[2]["changed"]
    assert not host.folder.exists()
    assert not host()[2]["changed"]


@pytest.mark.parametrize(
    ("item", "services", "words"),
    [
        (changed(REPLICAS, "port", 0), SERVICES, ["plan[0].port", "0"]),
        (REPLICAS, [], ["vllm_services", "chat"]),
        (REPLICAS, [{**SERVICES[0], "api_key": "two words"}], ["plan[0].api_keys[0]", "without spaces"]),
    ],
)
def test_what_cannot_be_is_refused_before_the_host_is_touched(host, item, services, words):
    rc, output, result = host(item, services=services)
    assert rc != 0
    assert all(word in result["msg"] for word in words)
    assert "two words" not in output
    assert "Traceback" not in output
    assert not host.root.exists()


def test_the_program_that_follows_mooncake_is_written_where_it_is_needed(host, tmp_path):
    path = tmp_path / "lib" / "follow.py"
    item = changed(changed(PAIRS, "workers.0.bootstrap_port", 1), "workers.1.bootstrap_port", 2)
    assert host(PAIRS, follow_path=str(path))[0] == 0
    assert not path.exists()
    assert str(path) in host({**item, "connector": "mooncake"}, follow_path=str(path))[2]["written"]
    assert "def follow(" in path.read_text()
    assert not host({**item, "connector": "mooncake"}, follow_path=str(path))[2]["changed"]


def test_a_plan_that_is_no_list_is_refused(play):
    assert "list of front doors" in play("router_files", {"plan": {}})[2]["msg"]
