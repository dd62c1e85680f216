#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: router_workers
short_description: Take engines out of a front door and wait until they have ended their requests, or put them back
version_added: 0.1.0
description:
  - Makes vllm-router of a front door know the engines of O(workers), less those of O(without), and no others.
  - An engine that is taken out gets no new request and ends those that it has. The task waits for that, showing how
    many are left, for O(drain_timeout) seconds.
  - A healthy engine is put back into a vllm-router that runs on, in mode V(replicas). Otherwise vllm-router is started
    again with its whole list. The old process ends the answers that it gives, for O(drain_timeout) seconds; until the
    new one is there, nginx asks the engines itself.
  - Nothing of it outlives the unit of vllm-router, whose command names all engines.
author:
  - The vllm.cluster authors (@vllm-cluster)
attributes:
  check_mode:
    support: full
    description: Says what would change, and waits for nothing.
  diff_mode:
    support: full
    description: Shows the engines that vllm-router knows.
  idempotent:
    support: full
    description: A second run changes nothing, unless O(renew) is set.
options:
  unit:
    description: The unit of vllm-router.
    type: str
    required: true
  port:
    description: The port of vllm-router on loopback.
    type: int
    required: true
  mode:
    description: The mode of the front door.
    type: str
    choices: [replicas, pd]
    required: true
  workers:
    description: The addresses of all its engines, as the plan has them (C(workers[].url) of the front door).
    type: list
    elements: str
    required: true
  without:
    description: Those of O(workers) that get no requests.
    type: list
    elements: str
    default: []
  renew:
    description: Whether vllm-router starts again in any case.
    type: bool
    default: false
  drain_timeout:
    description:
      - Seconds for requests to end, in the engines of O(without), and in vllm-router where it starts again.
      - V(0) waits for neither; a vllm-router that starts again is then given its unit's time to stop.
    type: float
    default: 300
  settle:
    description: Seconds without a request after which an engine is taken to be done with them.
    type: float
    default: 2
  force:
    description:
      - Whether requests that are left after O(drain_timeout) are given up. Otherwise the task fails, naming them.
    type: bool
    default: false
  look:
    description: Seconds that one look of the module may take; the action of this name looks until all is quiet.
    type: float
    default: 10
notes:
  - Needs root on the host of the front door, and reaches the engines as vllm-router does.
seealso:
  - module: vllm.cluster.router_files
"""

EXAMPLES = r"""
- name: Lead requests past an engine, and let it end those that it has
  vllm.cluster.router_workers:
    unit: vllm-chat-router.service
    port: 8900
    mode: replicas
    workers: ["http://192.0.2.21:18000", "http://192.0.2.22:18000"]
    without: ["http://192.0.2.21:18000"]
"""

RETURN = r"""
removed:
  description: Engines that get no requests any more.
  returned: success
  type: list
  elements: str
added:
  description: Engines that get requests again.
  returned: success
  type: list
  elements: str
renewed:
  description: Whether vllm-router was, or in check mode would be, started again.
  returned: success
  type: bool
requests:
  description: Requests that the engines of O(without) still have, by address; null where an engine does not say.
  returned: success
  type: dict
quiet:
  description: Whether these have had none for O(settle) seconds.
  returned: success
  type: bool
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.clients.transport import NoAnswer, exchange
from ansible_collections.vllm.cluster.plugins.module_utils.router.workers import Workers, requests

_PAUSE_S = 0.5
#: From the end of a process to an answer of the next, on a busy host.
_START_S = 60


class Doors:
    """One run of the module."""

    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.list = Workers(module.params["port"])
        self.result = {"changed": False, "removed": [], "added": [], "renewed": False, "requests": {}, "quiet": True}

    def run(self):
        known = self.known()
        wanted = [url for url in self.params["workers"] if url not in self.params["without"]]
        lacking = [url for url in wanted if url not in known]
        surplus = [url for url in known if url in self.params["without"]]
        if self.module._diff:
            before, after = ("".join(f"{url}\n" for url in sorted(urls)) for urls in (known, wanted))
            header = f"engines of {self.params['unit']}"
            self.result["diff"] = {"before_header": header, "after_header": header, "before": before, "after": after}
        self.result.update(removed=surplus, added=lacking, changed=bool(surplus or lacking or self.params["renew"]))
        self.result["renewed"] = self.params["renew"] or any(not self.quick(url) for url in lacking)
        if not self.module.check_mode:
            self.bring(lacking)
            self.remove()
            if self.params["without"]:
                self.watch()
        return self.result

    def known(self, seconds=_START_S):
        """vllm-router's engines; it may be starting."""
        end = time.monotonic() + seconds
        while True:
            known = self.list.known()
            if known is not None:
                return known
            if time.monotonic() > end:
                self.module.fail_json(
                    msg=f"{self.params['unit']} does not answer on port {self.params['port']} for {seconds:g} s."
                    f" More: journalctl -u {self.params['unit']}"
                )
            time.sleep(_PAUSE_S)

    def quick(self, url):
        """Whether the engine can be added to a vllm-router that runs."""
        if self.params["mode"] != "replicas":
            return False
        try:
            return exchange("GET", f"{url}/health", 5).status == 200
        except NoAnswer:
            return False

    def bring(self, lacking):
        if not self.result["renewed"]:
            self.result["renewed"] = not all(self.list.add(url) for url in lacking)
        if self.result["renewed"]:
            self.start_again()

    def remove(self):
        """After a start of vllm-router it knows all engines again, whoever started it."""
        for url in self.known():
            if url in self.params["without"] and not self.list.remove(url):
                self.module.fail_json(msg=f"{self.params['unit']} does not let go of {url}")

    def start_again(self):
        """systemd brings vllm-router back when it has ended, which it does when its last answer has."""
        unit = self.params["unit"]
        before = self.invocation()
        # --kill-who: --kill-whom is not known to systemd 251 and older.
        self.systemctl("kill", "--kill-who=main", "--signal=TERM", unit)
        end = time.monotonic() + self.params["drain_timeout"]
        while self.invocation() == before and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        if self.invocation() == before:
            if not self.params["force"] and self.params["drain_timeout"]:
                self.module.fail_json(
                    msg=f"{unit} still gives answers after {self.params['drain_timeout']:g} s. It takes no more"
                    " requests and starts again when they have ended; nginx asks the engines itself until then"
                )
            self.systemctl("restart", unit)
        self.known()

    def invocation(self):
        return self.systemctl("show", "--property=InvocationID", "--value", self.params["unit"])

    def systemctl(self, *words):
        program = self.module.get_bin_path("systemctl", required=True)
        return self.module.run_command([program, *words], check_rc=True)[1].strip()

    def watch(self):
        """For ``look`` seconds, or until nothing has run for ``settle``; what has just become quiet is looked at on."""
        end, quiet_since = time.monotonic() + self.params["look"], None
        while True:
            self.remove()
            found = {url: requests(url) for url in self.params["without"]}
            now = time.monotonic()
            quiet_since = (quiet_since or now) if set(found.values()) == {0.0} else None
            quiet = quiet_since is not None and now - quiet_since >= self.params["settle"]
            self.result.update(requests=found, quiet=quiet)
            if quiet or (now >= end and quiet_since is None):
                return
            time.sleep(_PAUSE_S)


def main():
    module = AnsibleModule(
        argument_spec={
            "unit": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "mode": {"type": "str", "choices": ["replicas", "pd"], "required": True},
            "workers": {"type": "list", "elements": "str", "required": True},
            "without": {"type": "list", "elements": "str", "default": []},
            "renew": {"type": "bool", "default": False},
            "drain_timeout": {"type": "float", "default": 300},
            "settle": {"type": "float", "default": 2},
            "force": {"type": "bool", "default": False},
            "look": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    module.exit_json(**Doors(module).run())


if __name__ == "__main__":
    main()
