# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the fence over a boot, and over a restart of a service that flushes every table."""

from __future__ import annotations

from .ruleset import TABLE

NAME = "vllm-fence.service"
#: What flushes the tables loads ours again, in the same job. The path is below the directory of unit files.
HOST = "nftables.service"
DROP_IN = f"{HOST}.d/50-vllm-fence.conf"

#: Early as nftables.service itself, and for its reason: what waits for the network must find the fence closed. So no
#: default dependencies: they would make a circle where the network is up before sysinit.target (cloud-init).
_UNIT = """\
# Written by vllm.cluster; changes here are lost.
[Unit]
Description=Fence of the ports between vLLM engines' members
DefaultDependencies=no
RequiresMountsFor=/etc/vllm /usr
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={nft} -f {path}
ExecReload={nft} -f {path}
ExecStop=-{nft} delete table inet {table}

[Install]
WantedBy=multi-user.target
"""

_DROP_IN = """\
# Written by vllm.cluster; changes here are lost. nftables.service flushes all tables, ours too.
[Service]
ExecStartPost=-{nft} -f {path}
ExecStopPost=-{nft} -f {path}
ExecReload=-{nft} -f {path}
"""


def unit(nft: str, path: str) -> str:
    """nft: the program. path: of the ruleset."""
    return _UNIT.format(nft=nft, path=path, table=TABLE)


def drop_in(nft: str, path: str) -> str:
    """The addition to nftables.service."""
    return _DROP_IN.format(nft=nft, path=path)
