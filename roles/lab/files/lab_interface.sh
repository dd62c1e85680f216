#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Gives the host's interface the name that its container was made with: servers of one fleet rarely agree on it.
set -eu
name=$(tr '\0' '\n' </proc/1/environ | sed -n 's/^LAB_INTERFACE=//p')
if [ -z "$name" ] || [ -e "/sys/class/net/$name" ]; then
    exit 0
fi
gateway=$(ip -4 route show default | sed -n 's/^default via \([^ ]*\).*/\1/p')
ip link set eth0 down
ip link set eth0 name "$name"
ip link set "$name" up
if [ -n "$gateway" ]; then
    ip route replace default via "$gateway" dev "$name"
fi
