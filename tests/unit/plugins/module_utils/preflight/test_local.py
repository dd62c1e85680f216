# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

from ansible_collections.vllm.cluster.plugins.module_utils.preflight import local
from ansible_collections.vllm.cluster.plugins.module_utils.preflight.members import Member


def test_names_are_looked_up():
    def look_up(name, _service, **_options):
        if name == "nowhere":
            raise OSError(-2, "Name or service not known")
        return [(2, 1, 6, "", ("127.0.1.1", 0))]

    me, peer = Member("gpu1", "10.9.0.1", (1,), hostname="x"), Member("gpu2", "10.9.0.2", (1,), hostname="nowhere")
    own, other = local.resolve(me, [me, peer, Member("gpu3", "10.9.0.3", (1,))], "gpu1", 2, look_up)
    assert (own["member"], own["name"], own["addresses"], own["error"]) == ("gpu1", "gpu1", ["127.0.1.1"], None)
    assert (other["name"], other["addresses"], other["error"]) == ("nowhere", [], "Name or service not known")


def test_a_resolver_that_hangs_is_not_waited_for():
    me = Member("gpu1", "10.9.0.1", (1,))
    begin = time.monotonic()
    (own,) = local.resolve(me, [me], "gpu1", 0.2, lambda *_a, **_k: time.sleep(3) or [])
    assert time.monotonic() - begin < 2.5
    assert own["error"] == "no answer"


def test_who_holds_a_port():
    listeners = [
        {"port": 1, "process": "nginx", "pid": 7, "unit": "nginx.service"},
        {"port": 2, "process": None, "pid": None, "unit": None},
    ]
    assert local.holders(["1", "2", "3"], listeners) == {"1": "nginx (pid 7) of nginx.service", "2": "a process"}
