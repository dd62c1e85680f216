# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host tells of itself: real files, a real HTTP server, recorded systemctl, commands that hang."""

from __future__ import annotations

import subprocess
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.status import engines, guards, host
from ansible_collections.vllm.cluster.plugins.module_utils.units import texts
from ansible_collections.vllm.cluster.plugins.module_utils.units.host_files import HostFiles

from tests.unit.plugins.fake_vllm import fake_vllm
from tests.unit.plugins.recorded_systemd import RecordedSystemd

__all__ = ["fake_vllm"]

KEY = "sk-right-1234567890"


class Machine:
    """What host.look uses of an AnsibleModule, with programs from a folder of their own."""

    def __init__(self, folder):
        self.folder = folder

    def get_bin_path(self, name, **_options):
        own = self.folder / name
        return str(own) if own.exists() else "/usr/bin/timeout" if name == "timeout" else None

    def run_command(self, argv, **_options):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def systemd(tmp_path):
    return RecordedSystemd(tmp_path / "bin")


@pytest.fixture
def look(tmp_path, systemd, monkeypatch):
    files = HostFiles(str(tmp_path / "units"), str(tmp_path / "env"), str(tmp_path / "records"))
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(guards, "DIRECTORY", str(tmp_path))
    monkeypatch.setattr(guards.path, "__defaults__", (str(tmp_path),))

    def call(*units, keys=None, request_s=20.0, token_s=20.0, command_s=20, states=None):
        """units: (name, marks)."""
        for name, marks in units:
            section = "".join(f"{key}={value}\n" for key, value in marks.items())
            files.write_unit(name, texts.stamp(name, f"[Service]\nExecStart=/x\n\n[X-vllm.cluster.plan]\n{section}"))
        # systemctl is asked for the units in the order of their names
        systemd.units(*(states or [{"Id": name} for name, _marks in sorted(units)]))
        commands = Commands(Machine(systemd.folder), command_s)
        return host.look(commands, files, "127.0.0.1", keys or {}, host.Limits(request_s, token_s))

    return call


def engine(port, **changes):
    marks = {"Kind": "engine", "Service": "chat", "Engine": "chat-0", "Program": "/no/env/bin/vllm"}
    return "vllm-chat-0.service", {**marks, "Listen": "0.0.0.0", "Port": port, "Model": "tiny", **changes}


def test_a_host_without_units_tells_of_none(look, systemd):
    assert look() == {"units": [], "engines": [], "doors": [], "guards": [], "gpus": [], "gpu_error": None}
    assert systemd.calls() == []


def test_an_engine_answers_at_its_clients_address_with_the_service_s_key(look, fake_vllm):
    fake_vllm.key = KEY
    found = look(engine(fake_vllm.port), keys={"chat": KEY})
    (share,) = found["engines"]
    assert (share["ok"], share["role"], share["urls"]) == (True, "head", [fake_vllm.url])
    assert (found["units"][0]["kind"], found["units"][0]["engine"]) == ("engine", "chat-0")
    assert KEY not in str(found)
    assert look(keys={"other": KEY}, states=[{"Id": "vllm-chat-0.service"}])["engines"][0]["failed_rung"] == "model"


def test_an_engine_that_is_stopped_is_not_asked(look, fake_vllm):
    dead = [{"Id": "vllm-chat-0.service", "ActiveState": "inactive", "SubState": "dead", "MainPID": 0}]
    share = look(engine(fake_vllm.port), states=dead)["engines"][0]
    assert (share["ok"], share["failed_rung"]) == (False, "unit")
    assert fake_vllm.seen == []


@pytest.mark.parametrize(("path", "rung"), [("/health", "http"), ("/v1/models", "model"), ("/v1/completions", "token")])
def test_a_wedged_engine_costs_its_limit_and_no_more(look, fake_vllm, path, rung):
    fake_vllm.faults[path] = "hang"
    began = time.monotonic()
    share = look(engine(fake_vllm.port), request_s=0.5, token_s=0.5)["engines"][0]
    assert share["failed_rung"] == rung
    assert time.monotonic() - began < 10


def test_a_member_is_told_by_its_guard(look, tmp_path):
    worker = ("vllm-r1-0.service", {"Kind": "ray", "Service": "r1", "Engine": "r1-0", "Program": "r/vllm:v0.32.0"})
    watcher = ("vllm-r1-0-guard.service", {"Kind": "guard", "Service": "r1", "Engine": "r1-0"})
    text = '{"role": "worker", "phase": "serving", "epoch": 1, "head_epoch": 1, "written": %s, "last_action": %s}'
    act = '{"text": "units restarted", "at": %s}' % (time.time() - 60)
    (tmp_path / "r1-0.status.json").write_text(text % (time.time(), act))
    found = look(worker, watcher)
    (share,), (guard,) = found["engines"], found["guards"]
    assert (share["role"], share["ok"], share["version"]) == ("worker", True, "v0.32.0")
    assert share["rungs"]["token"]["detail"] == "its guard says: serving, epoch 1"
    assert (guard["running"], guard["silent"], guard["phase"]) == (True, None, "serving")
    assert guard["last_action"]["seconds"] >= 60


def test_systemd_that_hangs_is_an_error_in_time(look, systemd):
    (systemd.folder / "systemctl").write_text("#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()
    with pytest.raises(engines.NoStates, match="no answer in 1 s"):
        look(engine(1), command_s=1)
    assert time.monotonic() - began < 20


def test_gpus(look, systemd):
    smi = systemd.folder / "nvidia-smi"
    smi.write_text(
        "#!/bin/sh\necho 'index, name, memory.total [MiB], memory.used [MiB]'\n"
        "echo '0, NVIDIA H100 80GB HBM3, 81559 MiB, 70000 MiB'\n"
    )
    smi.chmod(0o755)
    (gpu,) = look()["gpus"]
    assert gpu == {
        "index": 0,
        "name": "NVIDIA H100 80GB HBM3",
        "memory_bytes": 81559 * 2**20,
        "memory_used_bytes": 70000 * 2**20,
    }
    smi.write_text("#!/bin/sh\nexec sleep 60\n")
    assert look(command_s=1)["gpu_error"] == "nvidia-smi did not answer in 1 s"
    smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert "NVIDIA-SMI has failed" in look()["gpu_error"]


def test_the_release_is_that_of_the_environment(look, tmp_path):
    site = tmp_path / "e" / "lib" / "python3.11" / "site-packages"
    (site / "vllm-0.32.0.dist-info").mkdir(parents=True)
    found = look(engine(1, Program=str(tmp_path / "e" / "bin" / "vllm")), request_s=0.2)
    assert found["engines"][0]["version"] == "0.32.0"


def test_a_unit_of_an_earlier_release_is_listed_and_not_guessed(look):
    found = look(("vllm-chat-0.service", {}))
    assert (found["units"][0]["name"], found["units"][0]["kind"]) == ("vllm-chat-0.service", None)
    assert found["engines"] == []


def test_of_several_addresses_one_that_fails_speaks_for_the_engine(look, fake_vllm):
    ports = range(fake_vllm.port, fake_vllm.port + 2)
    (share,) = look(engine(f"{ports[0]}-{ports[1]}"), request_s=0.5)["engines"]
    assert share["urls"] == [f"http://127.0.0.1:{port}" for port in ports]
    assert (share["ok"], share["failed_rung"]) == (False, "http")


def test_a_member_that_clients_call_is_no_head_by_that(look, fake_vllm, tmp_path):
    """Copies of a model may each have an API server: the guard says who is head."""
    (tmp_path / "chat-0.status.json").write_text('{"role": "worker"}')
    assert look(engine(fake_vllm.port))["engines"][0]["role"] == "worker"


def door(port, **changes):
    marks = {"Kind": "door", "Service": "chat", "Program": "/usr/sbin/nginx", "Listen": "0.0.0.0", "Port": port}
    return "vllm-chat-door.service", {**marks, "Model": "tiny", **changes}


def test_a_front_door_is_asked_with_a_client_s_key(look, fake_vllm):
    fake_vllm.key = KEY
    found = look(door(fake_vllm.port), keys={"chat": "engines-key", "vllm-chat-door.service": KEY})
    (front,) = found["doors"]
    assert (front["ok"], front["url"], front["service"]) == (True, fake_vllm.url, "chat")
    assert front["rungs"]["token"]["ok"]
    assert found["engines"] == []
    assert KEY not in str(found)


def test_a_front_door_takes_the_service_s_key_where_clients_have_none_of_their_own(look, fake_vllm):
    fake_vllm.key = KEY
    assert look(door(fake_vllm.port), keys={"chat": KEY})["doors"][0]["ok"]


def test_a_front_door_that_takes_no_key_of_ours_is_not_well(look, fake_vllm):
    fake_vllm.key = KEY
    (front,) = look(door(fake_vllm.port), keys={"vllm-chat-door.service": "wrong"})["doors"]
    assert not front["ok"]
    assert front["failed_rung"] in ("http", "model")


def test_a_front_door_of_tls_has_its_address(look, fake_vllm):
    (front,) = look(door(fake_vllm.port, Scheme="https"))["doors"]
    assert front["url"] == fake_vllm.url.replace("http://", "https://")


def test_what_serves_no_client_is_a_unit_and_no_more(look):
    router = ("vllm-chat-router.service", {"Kind": "router", "Service": "chat", "Program": "/r/bin/vllm-router"})
    server = ("vllm-chat-lmcache.service", {"Kind": "kv_server", "Service": "chat", "Program": "/e/bin/lmcache"})
    found = look(router, server)
    assert {unit["kind"] for unit in found["units"]} == {"router", "kv_server"}
    assert (found["engines"], found["doors"]) == ([], [])
