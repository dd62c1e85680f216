# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches which port of another lab host: with real connections, tried from a host."""

from __future__ import annotations

import json

#: Tries every port at once: name of the result by port.
_TRY = """
import concurrent.futures, json, socket, sys

def one(port):
    try:
        socket.create_connection((sys.argv[1], port), 3).close()
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return type(error).__name__

ports = json.loads(sys.argv[2])
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(ports, pool.map(one, ports)))))
"""
_LISTEN = """
import socket, sys, time

held = [socket.create_server(("", int(port))) for port in sys.argv[1:]]
time.sleep(600)
"""


def reach(source, address, ports):
    """What becomes of a connection to each port: open, refused, or the error's name."""
    found = source.check_output("python3 -c %s %s %s", _TRY, address, json.dumps(sorted(ports)))
    return {int(port): result for port, result in json.loads(found).items()}


def listening(host):
    """TCP ports that something listens on where other hosts could come."""
    lines = host.check_output("ss --tcp --listening --numeric --no-header").splitlines()
    ends = [line.split()[3].rpartition(":") for line in lines]
    return {int(port) for address, _colon, port in ends if address not in ("127.0.0.1", "[::1]", "127.0.0.11")}


class Listener:
    """A process of the engines' user, or another, on a host that listens on ports. A context."""

    def __init__(self, host, *ports, user="vllm"):
        self._host, self._ports, self._user = host, ports, user

    def __enter__(self):
        words = " ".join(str(port) for port in self._ports)
        self._host.check_output(
            f"systemd-run --quiet --unit=fence-listener --uid={self._user} python3 -c %s {words}", _LISTEN
        )
        for _try in range(50):
            if set(self._ports) <= listening(self._host):
                return self
            self._host.check_output("sleep 0.1")
        raise AssertionError("nothing listens: " + self._host.check_output("journalctl -u fence-listener -n 5"))

    def __exit__(self, *_exception):
        self._host.run("systemctl stop fence-listener")
