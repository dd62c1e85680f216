# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault between the hosts of an engine is named, with its hosts and direction, before anything is started."""

from __future__ import annotations

import dataclasses
import re
import time

import pytest

LATE = "/usr/local/bin/python3-late"
ENVIRONMENT = "/opt/vllm/envs/vllm-0.32.0-cpu"
UV = f"/opt/vllm/uv/bin/uv pip install --quiet --no-deps --python {ENVIRONMENT}/bin/python"
HOLD = (
    "systemd-run --quiet --unit hold python3 -c "
    "'import socket, time; s = socket.socket(); s.bind((\"0.0.0.0\", 20000)); time.sleep(600)'"
)
NFT = "nft add table inet broken && nft add chain inet broken in '{ type filter hook input priority 0; }' && "

NEW = "'tcp flags & (syn | ack) == syn'"


def only(host, value):
    """A variable that one host alone has, as an extra variable."""
    return f"{{{{ '{value}' if inventory_hostname == '{host}' else '' }}}}"


def wide(lab):
    """One engine alone, over all hosts: half the time of two."""
    return {"vllm_services": lab.variables["vllm_services"][:1]}


@dataclasses.dataclass(frozen=True)
class Culprit:
    """breaks, heals: commands on ``host``. says: texts of one line of the message. seconds: until it is named."""

    host: str
    says: tuple[str, ...]
    breaks: str = "true"
    heals: str = "true"
    extra: dict | None = None


CULPRITS = {
    "wrong interface name on one host": Culprit(
        "p2", ("interface", "p2", "eth9", "lan0"), extra={"vllm_interface": only("p2", "eth9")}
    ),
    "interface without address": Culprit(
        "p2",
        ("interface", "p2", "eth7", "lan0"),
        breaks="ip link add eth7 type veth peer name eth8 && ip link set eth8 up && ip link set eth7 up",
        heals="ip link del eth7",
        extra={"vllm_interface": only("p2", "eth7")},
    ),
    "own name stands for loopback": Culprit(
        "p2",
        ("name-loopback (wide-0): on p2, its own name p2 stands for 127.0.1.1",),
        breaks="cp /etc/hosts /root/hosts && { echo 127.0.1.1 p2; cat /root/hosts; } > /etc/hosts",
        heals="cat /root/hosts > /etc/hosts",
    ),
    "a peer's name stands for loopback": Culprit(
        "p1",
        ("name-loopback (wide-0): on p1, the name of p2, p2 stands for 127.0.0.1",),
        breaks="cp /etc/hosts /root/hosts && echo 127.0.0.1 p2 >> /etc/hosts",
        heals="cat /root/hosts > /etc/hosts",
    ),
    "connections from one host are dropped": Culprit(
        "p1",
        ("path-blocked (wide-0): connections of p2 to p1 at 10.77.31.11:20000 get no answer",),
        breaks=NFT + f"nft add rule inet broken in ip saddr 10.77.31.12 {NEW} drop",
        heals="nft delete table inet broken",
    ),
    "all packets from one host are dropped": Culprit(
        "p1",
        ("path-blocked (wide-0): nothing of p2 arrives at p1",),
        breaks=NFT + "nft add rule inet broken in ip saddr 10.77.31.12 drop",
        heals="nft delete table inet broken",
    ),
    "ports of the kernel are closed to one host": Culprit(
        "p3",
        ("side-closed (wide-0): p1 reaches p3",),
        breaks=NFT
        + f"nft add rule inet broken in ip saddr 10.77.31.11 {NEW} tcp dport 32768-65535 reject with tcp reset",
        heals="nft delete table inet broken",
    ),
    "jumbo frames on one side": Culprit(
        "p2",
        ("mtu (wide-0): p2 -> p1: packets of its MTU, 9000 bytes", "the MTU of p1 is"),
        breaks="cat /sys/class/net/lan0/mtu > /root/mtu && ip link set lan0 mtu 9000",
        heals="ip link set lan0 mtu $(cat /root/mtu)",
    ),
    "clock ten minutes ahead": Culprit(
        "p2",
        ("clock (wide-0): the clock of p2 is", "ahead of those of p1, p3"),
        breaks=f"printf '#!/bin/sh\\nexec faketime -f +600s python3 \"$@\"\\n' > {LATE} && chmod 755 {LATE}",
        heals=f"rm {LATE}",
        extra={
            "ansible_python_interpreter": f"{{{{ '{LATE}' if inventory_hostname == 'p2' else '/usr/bin/python3' }}}}"
        },
    ),
    "another release of Ray": Culprit(
        "p2",
        ("ray-differs (wide-0): Ray is 2.59.0 on p2 and 2.60.0 on p1",),
        breaks=f"{UV} ray==2.59.0",
        heals=f"{UV} ray==2.60.0",
    ),
    "a port that another process holds": Culprit(
        "p2",
        ("port-busy", "port 20000 of p2 is held by"),
        breaks=HOLD,
        heals="systemctl stop hold",
    ),
    "too little shared memory": Culprit(
        "p3",
        ("shm-small (wide-0): shared memory of p3 has 32 MiB free",),
        breaks="mount -o remount,size=32m /dev/shm",
        heals="mount -o remount,size=2g /dev/shm",
    ),
}


@pytest.mark.parametrize("name", CULPRITS)
def test_the_culprit_is_named(lab, name):
    culprit = CULPRITS[name]
    host = lab.host(culprit.host)
    host.check_output(culprit.breaks)
    try:
        begin = time.monotonic()
        run = lab.playbook("preflight.yml", extra={**wide(lab), **(culprit.extra or {})})
        print(f"{name}: {time.monotonic() - begin:.1f} s")
    finally:
        host.check_output(culprit.heals)
    assert run.status != 0
    message = run.output.partition("[ERROR]")[2].partition("Origin:")[0]
    lines = [line for line in message.splitlines() if all(word in line for word in culprit.says)]
    assert lines, message
    assert "Traceback" not in run.output


def test_hosts_in_order_pass_and_sum(lab):
    run = lab.playbook("preflight.yml")
    assert run.status == 0
    assert re.search(r"wide-0: 6 ways between 3 members are open, .* ms \(p", run.output)
    assert re.search(r"wide-0: 3 ranks sum rightly by gloo, [0-9.e-]+ GB/s", run.output)
    assert re.search(r"narrow-0: 2 ranks sum rightly by gloo", run.output)
    assert set(run.changed("p1", "p2", "p3").values()) == {0}


def test_no_unit_is_written_where_the_network_is_broken(lab):
    host, culprit = lab.host("p1"), CULPRITS["connections from one host are dropped"]
    host.check_output(culprit.breaks)
    try:
        run = lab.playbook("site.yml", extra=wide(lab))
    finally:
        host.check_output(culprit.heals)
    assert run.status != 0
    assert culprit.says[0] in run.output
    for name in ("p1", "p2", "p3"):
        assert lab.host(name).check_output("find /etc/systemd/system -name 'vllm*' ! -name vllm-fence.service") == ""


def test_with_fewer_forks_than_members_all_still_meet(lab):
    run = lab.playbook("preflight.yml", "--forks", "2", "--check", extra=wide(lab))
    assert run.status == 0
    assert "wide-0: 3 ranks sum rightly by gloo" in run.output


def test_nothing_is_left_on_the_hosts(lab):
    """A job removes its own files a moment after its result was there."""
    for name in ("p1", "p2", "p3"):
        host, deadline = lab.host(name), time.monotonic() + 15
        left = "find /root/.ansible/tmp /root/.ansible_async -mindepth 1; pgrep --list-full --full '[r]anks.py' || true"
        while host.check_output(left) and time.monotonic() < deadline:
            time.sleep(1)
        assert host.check_output(left) == ""


def test_without_an_engine_of_several_hosts_it_says_so(lab):
    services = [{"model": "lab://tiny", "hosts": "p1", "api_key": "single-key", "name": "single"}]
    run = lab.playbook("preflight.yml", extra={"vllm_services": services})
    assert run.status == 0
    assert "No engine of the plan spans several hosts" in run.output


def test_a_port_that_a_person_wrote_and_another_process_holds_is_refused(lab):
    services = [dict(service) for service in lab.variables["vllm_services"]]
    services[1]["ports"] = {"rendezvous": 29777}
    host = lab.host("p1")
    host.check_output("systemd-run --quiet --unit listen python3 -m http.server 29777")
    try:
        run = lab.playbook("preflight.yml", extra={"vllm_services": services})
    finally:
        host.check_output("systemctl stop listen")
    assert run.status != 0
    assert re.search(r"vllm_services\[1\]\.ports\.rendezvous = 29777: is held on host p1 by python3 \(pid", run.output)
