# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.judge import Limits, judge_peers


def judge(fleet, **options):
    return judge_peers(fleet.members, fleet.reports, **options)


def told(fleet, **options):
    return [(item.id, item.source, item.target) for item in judge(fleet, **options)]


def test_all_is_well(fleet):
    assert told(fleet(4)) == []


def test_a_firewall_lets_only_answers_in(fleet):
    three = fleet(3)
    three.lose("gpu1", "gpu2")
    (finding,) = judge(three)
    assert (finding.id, finding.source, finding.target) == ("path-blocked", "gpu1", "gpu2")
    assert finding.what == (
        "connections of gpu1 to gpu2 at 10.9.0.2:20000 get no answer, while gpu2 reaches gpu1: a firewall drops them"
    )
    assert "firewalls of gpu2 (incoming) and gpu1 (outgoing)" in finding.fix


@pytest.mark.parametrize("evidence", [{"half_open": True}, {"datagrams": 3}])
def test_all_packets_of_one_direction_are_lost(fleet, evidence):
    """Neither connects. What gpu2 sends arrives at gpu1, so it is gpu1 -> gpu2 that is closed."""
    two = fleet(2)
    two.lose("gpu1", "gpu2")
    two.lose("gpu2", "gpu1", heard=evidence)
    (finding,) = judge(two)
    assert (finding.id, finding.source, finding.target) == ("path-blocked", "gpu1", "gpu2")
    assert "nothing of gpu1 arrives at gpu2" in finding.what


def test_tcp_of_one_direction_is_lost_and_udp_passes(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", heard={"datagrams": 5})
    two.lose("gpu2", "gpu1", heard={"datagrams": 5, "half_open": True})
    assert told(two) == [("path-blocked", "gpu1", "gpu2")]


def test_connections_are_dropped_both_ways_and_datagrams_pass(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", heard={"datagrams": 5})
    two.lose("gpu2", "gpu1", heard={"datagrams": 5})
    assert told(two) == [("path-blocked", "gpu1", "gpu2"), ("path-blocked", "gpu2", "gpu1")]


def test_a_pair_that_is_cut_is_one_fault(fleet):
    three = fleet(3)
    three.lose("gpu1", "gpu3")
    three.lose("gpu3", "gpu1", state="unreachable", error="EHOSTUNREACH")
    (finding,) = judge(three)
    assert (finding.id, finding.source, finding.target) == ("path-dead", "gpu1", "gpu3")


def test_a_firewall_rejects(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", state="refused")
    (finding,) = judge(two)
    assert (finding.id, finding.source, finding.target) == ("path-rejected", "gpu1", "gpu2")
    assert "where gpu2 does listen" in finding.what


def test_what_rejects_one_direction_rejects_answers_to_the_other(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", state="refused", heard={"datagrams": 3})
    two.lose("gpu2", "gpu1", heard={"datagrams": 3})
    assert told(two) == [("path-rejected", "gpu1", "gpu2")]


def test_the_sender_may_not_send(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", send_error="EPERM")
    two.lose("gpu2", "gpu1", heard={"half_open": True})
    (finding,) = judge(two)
    assert (finding.source, finding.target) == ("gpu1", "gpu2")
    assert "its own firewall" in finding.what


def test_another_program_answers(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", state="strange", error="answers as gpu7")
    (finding,) = judge(two)
    assert (finding.id, finding.target) == ("peer-strange", "gpu2")
    assert "answers as gpu7" in finding.what


def test_an_absent_member_is_named_once_and_excuses_who_missed_it(fleet):
    three = fleet(3)
    for name in ("gpu1", "gpu3"):
        three.lose(name, "gpu2", state="refused")
    three.reports["gpu2"] = None
    (finding,) = judge(three)
    assert (finding.id, finding.source, finding.target) == ("member-absent", "gpu2", None)
    assert finding.what == "gpu2 did not take part; gpu1, gpu3 waited for it"


def test_without_the_others_reports_nobody_is_absent(fleet):
    two = fleet(2)
    two.lose("gpu1", "gpu2", state="refused")
    del two.reports["gpu2"]
    assert told(two, complete=False) == [("path-refused", "gpu1", "gpu2")]
    two.reports["gpu1"]["peers"]["gpu2"]["state"] = "timeout"
    assert told(two, complete=False) == [("path-unanswered", "gpu1", "gpu2")]


def test_members_that_ran_at_different_times(fleet):
    two = fleet(2)
    two.reports["gpu2"].update(started=1030.0, ended=1040.0)
    two.lose("gpu1", "gpu2", state="refused")
    two.lose("gpu2", "gpu1", state="refused")
    (finding,) = judge(two)
    assert finding.id == "not-together"
    assert "25 s after gpu1 had ended" in finding.what


def test_a_busy_port_excuses_who_met_it(fleet):
    two = fleet(2)
    two.reports["gpu2"]["listening"]["20000"] = "EADDRINUSE"
    two.reports["gpu2"]["local"]["holders"] = {"20000": "python3 (pid 7)"}
    two.lose("gpu1", "gpu2", state="strange", error="no JSON")
    (finding,) = judge(two)
    assert (finding.id, finding.source) == ("port-busy", "gpu2")
    assert finding.what == "port 20000 of gpu2 is held by python3 (pid 7)"


def test_an_interface_that_is_down_excuses_all_ways_of_its_member(fleet):
    three = fleet(3)
    three.interface("gpu2")["carrier"] = False
    for other in ("gpu1", "gpu3"):
        three.lose(other, "gpu2")
        three.lose("gpu2", other)
    assert told(three) == [("interface-down", "gpu2", None)]


def test_a_second_port_is_closed(fleet):
    two = fleet(2)
    two.way("gpu1", "gpu2")["ports"]["29501"] = "refused"
    (finding,) = judge(two)
    assert (finding.id, finding.source, finding.target) == ("port-closed", "gpu1", "gpu2")
    assert "and not at 29501 (refused)" in finding.what
    two.reports["gpu2"]["listening"]["29501"] = "EADDRINUSE"
    assert told(two) == [("port-busy", "gpu2", None)]


def test_a_port_of_the_kernel_is_closed(fleet):
    two = fleet(2)
    two.way("gpu2", "gpu1")["side"] = {"place": ["10.9.0.1", 41234], "error": None, "state": "timeout"}
    (finding,) = judge(two)
    assert (finding.id, finding.source, finding.target) == ("side-closed", "gpu2", "gpu1")
    assert "10.9.0.1:41234 (no answer)" in finding.what


def test_jumbo_on_one_side(fleet):
    two = fleet(2)
    two.interface("gpu1")["mtu"] = 9000
    two.way("gpu1", "gpu2")["packet"] = {"mtu": 9000, "tried": 9000, "largest": 1500}
    (finding,) = judge(two)
    assert (finding.id, finding.source, finding.target, finding.level) == ("mtu", "gpu1", "gpu2", "error")
    assert "its MTU, 9000 bytes, do not arrive; the largest that does has 1500; the MTU of gpu2 is 1500" in finding.what


def test_packets_that_are_too_big_stall_a_stream_and_that_is_one_fault(fleet):
    two = fleet(2)
    two.way("gpu1", "gpu2").update(
        packet={"mtu": 9000, "tried": 9000, "largest": 1500},
        throughput={"mbits": None, "error": "ETIMEDOUT", "retransmits": 3},
    )
    assert told(two) == [("mtu", "gpu1", "gpu2")]


def test_one_clock_of_three_is_off(fleet):
    three = fleet(3)
    for name, peer, offset in (("gpu1", "gpu2", -600.0), ("gpu2", "gpu3", 600.0), ("gpu3", "gpu2", -600.0)):
        three.way(name, peer)["clock"]["offset_s"] = offset
    (finding,) = judge(three)
    assert (finding.id, finding.source, finding.target) == ("clock", "gpu2", None)
    assert finding.what == "the clock of gpu2 is 600.0 s behind those of gpu1, gpu3"


def test_of_two_clocks_none_is_to_blame(fleet):
    two = fleet(2)
    two.way("gpu1", "gpu2")["clock"]["offset_s"] = 600.0
    (finding,) = judge(two)
    assert (finding.source, finding.target) == ("gpu1", "gpu2")
    assert finding.what == "the clock of gpu2 is 600.0 s ahead of that of gpu1"


@pytest.mark.parametrize(("offset", "limit", "found"), [(4.9, 5, 0), (-5.1, 5, 1), (0.5, 0.1, 1)])
def test_the_limit_of_clocks(fleet, offset, limit, found):
    two = fleet(2)
    two.way("gpu1", "gpu2")["clock"]["offset_s"] = offset
    assert len(told(two, limits=Limits(clock_s=limit))) == found


@pytest.mark.parametrize(
    ("key", "value", "rule", "level"),
    [
        ("latency_ms", {"best": 30, "median": 40, "worst": 50}, "latency", "warning"),
        ("datagrams", {"sent": 40, "arrived": 39}, "loss", "warning"),
        ("datagrams", {"sent": 40, "arrived": 20}, "loss", "error"),
        ("datagrams", {"sent": 40, "arrived": 0}, "datagrams-blocked", "warning"),
        ("throughput", {"mbits": None, "error": "ETIMEDOUT", "retransmits": 9}, "stall", "error"),
        ("throughput", {"mbits": 290.0, "error": None, "retransmits": 9}, "lopsided", "warning"),
        ("broken", "closed", "path-broken", "error"),
    ],
)
def test_a_way_of_little_worth(fleet, key, value, rule, level):
    two = fleet(2)
    two.way("gpu1", "gpu2")[key] = value
    found = [item for item in judge(two) if item.id == rule]
    assert [(item.source, item.target, item.level) for item in found] == [("gpu1", "gpu2", level)]


def test_a_slow_link(fleet):
    two = fleet(2)
    two.way("gpu1", "gpu2")["throughput"]["mbits"] = 90.0
    two.way("gpu2", "gpu1")["throughput"]["mbits"] = 95.0
    assert told(two) == [("slow", "gpu1", "gpu2"), ("slow", "gpu2", "gpu1")]
    two.interface("gpu1")["speed_mbits"] = two.interface("gpu2")["speed_mbits"] = 100
    assert told(two) == []


def test_errors_come_first_and_findings_are_documents(fleet):
    two = fleet(2)
    two.way("gpu1", "gpu2")["latency_ms"]["median"] = 50
    two.lose("gpu2", "gpu1", state="refused")
    found = [item.as_dict() for item in judge(two)]
    assert [item["level"] for item in found] == ["error", "warning"]
    assert set(found[0]) == {"id", "level", "from", "to", "what", "fix"}
