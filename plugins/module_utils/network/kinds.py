# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interface is made of: hardware, or other interfaces, or nothing."""

from __future__ import annotations

import re
import typing as t

PHYSICAL, BOND, TEAM, VLAN, BRIDGE = "physical", "bond", "team", "vlan", "bridge"
LOOPBACK, VIRTUAL = "loopback", "virtual"

#: Kinds as rtnetlink names them (IFLA_INFO_KIND). Hardware has none, but for IPoIB. Every other one is virtual.
_INFO = {"bond": BOND, "team": TEAM, "vlan": VLAN, "bridge": BRIDGE, "ipoib": PHYSICAL}

_NAMES = (
    (LOOPBACK, r"lo[0-9]*"),
    (BRIDGE, r"br[0-9-].*|\w*br[0-9]+|docker0|docker_gwbridge|cni[0-9]+|(?:cni-)?podman[0-9]+"),
    (
        VIRTUAL,
        r"(?:veth|tun|tap|dummy|ifb|macv|ipvl|cali|cilium|lxc|flannel|vxlan|gene?v|kube-|wg|tailscale|vnet|gre|sit|ip6tnl|"
        r"ip6gre|ip6_vti|ip_vti|erspan|teql|weave|zt|utun|nodelocaldns|antrea|ovs|vrf|tailscale|ppp).*",
    ),
    (BOND, r"bond[0-9]+"),
    (TEAM, r"team[0-9]+"),
    (VLAN, r"vlan[0-9]+|[^.]+\.[0-9]{1,4}"),
    # eth0, ib0, and names by systemd's scheme (en, ib, wl, and where the card sits), biosdevname's, Slingshot's.
    (PHYSICAL, r"(?:eth|ib|wlan|hsn|em)[0-9]+|(?:en|ib|wl)[oPpsxvdc][0-9A-Za-z].*|p[0-9]+p[0-9]+"),
)
_BY_NAME = tuple((kind, re.compile(pattern)) for kind, pattern in _NAMES)
_TYPES = (("infiniband", re.compile(r"ib[0-9opPsxvd].*")), ("ethernet", re.compile(r"(?:eth[0-9]|en[oPpsxvdc]).*")))


def by_info(info: t.Any, flags: t.Collection[str], link: t.Any) -> str | None:
    """The kind of an interface of which everything is told (``ip -d``). info: its IFLA_INFO_KIND, None for none."""
    if "LOOPBACK" in flags or link == "loopback":
        return LOOPBACK
    return _INFO.get(info, VIRTUAL) if isinstance(info, str) else PHYSICAL


def by_signs(name: str, flags: t.Collection[str], lower: str | None) -> str | None:
    """The kind of an interface that is told without details: by its flags, what it stands on, and its name."""
    if "LOOPBACK" in flags:
        return LOOPBACK
    if "MASTER" in flags:
        return BOND
    named = by_name(name)
    if lower is not None and lower not in ("NONE", name):
        return VLAN if named == VLAN else VIRTUAL
    return named


def by_name(name: str) -> str | None:
    """The kind that names such as this one stand for, or None."""
    return next((kind for kind, pattern in _BY_NAME if pattern.fullmatch(name)), None)


def type_by_name(name: str) -> str | None:
    """ethernet or infiniband, where the name says so."""
    return next((kind for kind, pattern in _TYPES if pattern.fullmatch(name)), None)
