# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.exchange import Settings, everyone_met, take_part
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.judge import judge_peers
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import Member


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def members():
    """Three members, each with an address of loopback's network."""
    port, second = free_port(), free_port()
    return [Member(f"gpu{number}", f"127.0.0.{number + 10}", (port, second)) for number in (1, 2, 3)]


def errors(members, reports):
    """What is wrong. Warnings of a slow way are those of a busy machine."""
    return [item for item in judge_peers(members, reports) if item.level == "error"]


def meet(members, settings=None, here=None, clocks=None, late=None):
    """Reports of members that take part at the same time.

    here: those that do, else all. settings: for all, or by name. late: by name, seconds after which a member begins.
    """
    reports = {}

    def one(member):
        time.sleep((late or {}).get(member.name, 0))
        own = settings.get(member.name) if isinstance(settings, dict) else settings
        own = own or Settings(timeout=6, throughput=0.2, mtu=1500)
        reports[member.name] = take_part(member, members, own, clock=(clocks or {}).get(member.name, time.time))

    threads = [threading.Thread(target=one, args=(member,)) for member in here or members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return reports


def test_all_is_measured_and_well(members):
    begin = time.monotonic()
    reports = meet(members, Settings(timeout=20, throughput=0.2, mtu=1500))
    assert time.monotonic() - begin < 12  # nobody waits for the time-out
    assert errors(members, reports) == []
    assert all(everyone_met(report) for report in reports.values())
    way = reports["gpu1"]["peers"]["gpu3"]
    assert way["state"] == "ok"
    assert way["ports"] == {str(members[0].ports[1]): "ok"}
    assert way["side"]["state"] == "ok"
    assert 0 < way["latency_ms"]["best"] <= way["latency_ms"]["median"] <= way["latency_ms"]["worst"]
    assert abs(way["clock"]["offset_s"]) < 0.5
    assert way["packet"] == {"mtu": 1500, "tried": 1500, "largest": 1500}
    assert 0 < way["datagrams"]["arrived"] <= way["datagrams"]["sent"]
    assert way["throughput"]["mbits"] > 10


def test_the_ports_are_free_again_at_once(members):
    meet(members, Settings(timeout=6, throughput=0.1))
    for member in members:
        for port in member.ports:
            with socket.socket() as sock:  # without SO_REUSEADDR: an engine looks for free ports in this way
                sock.bind((member.address, port))


def test_a_clock_that_is_ten_minutes_ahead(members):
    reports = meet(members, clocks={"gpu2": lambda: time.time() + 600})
    (finding,) = errors(members, reports)
    assert (finding.id, finding.source) == ("clock", "gpu2")
    assert "600.0 s ahead of those of gpu1, gpu3" in finding.what
    assert reports["gpu1"]["peers"]["gpu2"]["clock"]["offset_s"] == pytest.approx(600, abs=0.5)
    assert reports["gpu2"]["peers"]["gpu1"]["clock"]["offset_s"] == pytest.approx(-600, abs=0.5)


def test_a_member_that_comes_late_is_waited_for(members):
    reports = meet(members, Settings(timeout=8, throughput=0.1), late={"gpu3": 2})
    assert errors(members, reports) == []
    assert reports["gpu1"]["peers"]["gpu3"]["attempts"] > 1


def test_a_member_that_is_not_there_is_no_hang(members):
    begin = time.monotonic()
    reports = meet(members, Settings(timeout=3), here=members[:2])
    assert 1.5 < time.monotonic() - begin < 10
    assert not everyone_met(reports["gpu1"])
    (finding,) = errors(members, reports)
    assert (finding.id, finding.source) == ("member-absent", "gpu3")
    assert "gpu1, gpu2 waited for it" in finding.what
    assert reports["gpu1"]["heard"]["gpu2"]["unreached"] == ["gpu3"]


def test_who_misses_a_third_tells_the_others(members):
    """gpu3 reaches all, and learns that gpu1 and gpu2 do not see one another's free ports."""
    quick = Settings(timeout=4, thorough=False)
    blind = Settings(timeout=4, thorough=False, side=None)
    reports = meet(members, {"gpu1": quick, "gpu2": blind, "gpu3": quick})
    assert reports["gpu3"]["heard"]["gpu1"]["unreached"] == ["gpu2"]
    assert not any(everyone_met(report) for report in reports.values())


def test_another_program_at_the_port(members):
    with socket.create_server((members[1].address, members[1].port)):
        reports = meet(members[:2], Settings(timeout=4, throughput=0))
    assert reports["gpu1"]["peers"]["gpu2"]["state"] == "silent"
    assert reports["gpu2"]["listening"][str(members[1].port)] == "EADDRINUSE"
    assert [finding.id for finding in errors(members[:2], reports)] == ["port-busy"]


def test_a_peer_with_another_name_is_not_taken_for_the_one(members):
    impostor = Member("gpu9", members[1].address, members[1].ports)
    settings = Settings(timeout=3, throughput=0)
    thread = threading.Thread(target=take_part, args=(impostor, [members[0], impostor], settings))
    thread.start()
    report = take_part(members[0], members[:2], settings)
    thread.join(10)
    assert report["peers"]["gpu2"]["state"] == "strange"
    assert report["peers"]["gpu2"]["error"] == "answers as gpu9"


def test_an_address_that_the_host_does_not_have(members):
    lost = Member("gpu2", "192.0.2.7", (members[0].port,))
    begin = time.monotonic()
    report = take_part(lost, [members[0], lost], Settings(timeout=10))
    assert time.monotonic() - begin < 5
    assert report["listening"] == {str(lost.port): "EADDRNOTAVAIL"}
    assert report["peers"]["gpu1"]["state"] is None


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 20 + b"\n", b"x" * 100_000, b"[1]\n", b'{"kind": "x"}\n', b""])
def test_garbage_from_a_member_does_no_harm(members, garbage):
    """And a stranger's connection is closed at once, and told of."""
    pair = members[:2]
    reports = {}

    def one(member):
        reports[member.name] = take_part(member, pair, Settings(timeout=6, throughput=0.1))

    threads = [threading.Thread(target=one, args=(pair[0],))]
    threads[0].start()
    time.sleep(0.3)
    for source in (pair[1].address, "127.0.0.99"):
        with socket.socket() as sock:
            sock.bind((source, 0))
            sock.settimeout(5)
            sock.connect((pair[0].address, pair[0].port))
            with contextlib.suppress(OSError):  # it was closed before
                sock.sendall(garbage)
    threads.append(threading.Thread(target=one, args=(pair[1],)))
    threads[1].start()
    for thread in threads:
        thread.join(20)
    assert reports["gpu1"]["peers"]["gpu2"]["state"] == "ok"
    assert reports["gpu1"]["strangers"] == ["127.0.0.99"]
    assert errors(pair, reports) == []
    assert "stranger" in [finding.id for finding in judge_peers(pair, reports)]
