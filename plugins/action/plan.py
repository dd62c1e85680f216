# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intent + probes -> plan, on the controller. Documented in plugins/modules/plan.py."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display
from ansible_collections.vllm.cluster.plugins.module_utils.lock import pins
from ansible_collections.vllm.cluster.plugins.module_utils.planning import applicable, builds, intent, plan
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError, Refusals
from ansible_collections.vllm.cluster.plugins.module_utils.planning.keys import FLEET
from ansible_collections.vllm.cluster.plugins.module_utils.planning.show import amounts, document, page, text
from ansible_collections.vllm.cluster.plugins.module_utils.units import preview
from ansible_collections.vllm.cluster.plugins.plugin_utils import controller_file, lock_file, model_sources, probes_file
from ansible_collections.vllm.cluster.plugins.plugin_utils.addresses import address

display = Display()

_SHOW = {"text": text.as_text, "json": document.as_json, "html": page.as_html}
_ARGUMENTS = {
    "stage": {"type": "str", "choices": ["intent", "probes", "plan", "changes"], "default": "plan"},
    "probe_variable": {"type": "str", "default": "vllm_probe"},
    "plan": {"type": "dict"},
    "units_variable": {"type": "str"},
    "probes_file": {"type": "str"},
    "save_probes": {"type": "str"},
    "show": {"type": "str", "choices": ["none", "text", "json", "html"], "default": "none"},
    "page": {"type": "str"},
    "apply": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(
            argument_spec=_ARGUMENTS,
            required_if=[("stage", "probes", ["save_probes"]), ("stage", "changes", ["plan", "units_variable"])],
            mutually_exclusive=[("probes_file", "save_probes")],
        )
        try:
            if args["stage"] == "intent":
                return self._intent(self._wanted(task_vars), task_vars)
            if args["stage"] == "probes":
                return self._probes(args, task_vars)
            if args["stage"] == "changes":
                return self._changes(args, task_vars)
            return self._plan(self._wanted(task_vars), args, task_vars)
        except PlanError as error:
            count = len(error.refusals)
            head = (
                f"The plan is refused for {count} reasons; no host was changed:\n  "
                if count > 1
                else "The plan is refused; no host was changed: "
            )
            return {
                "failed": True,
                "msg": head + "\n  ".join(str(refusal) for refusal in error.refusals),
                "refusals": [refusal.as_dict() for refusal in error.refusals],
            }

    def _wanted(self, task_vars: dict[str, t.Any]) -> intent.Intent:
        def host_env(host: str) -> t.Any:
            return _plain(task_vars["hostvars"][host].get("vllm_host_env"))

        return intent.parse(_locked(self._variables(task_vars)), self._selector(task_vars), host_env)

    def _intent(self, wanted: intent.Intent, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        self._warn(plan.check(wanted))
        requests = plan.requests(wanted, self._addresses(wanted.members, task_vars))
        services = [_listed(sides) for sides in wanted.whole().values()]
        needs = builds.driver_needs(wanted)
        told = {"services": services, "requests": requests, "driver_needs": needs}
        told["container_hosts"] = builds.container_hosts(wanted)
        return {"changed": False, "members": list(wanted.members), **told}

    def _probes(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Save what was registered: of the members, or without services of every host of the play."""
        wanted = self._wanted(task_vars) if "vllm_services" in task_vars else None
        hosts = list(wanted.members if wanted else task_vars["ansible_play_hosts_all"])
        probes, addresses = self._registered(hosts, args, task_vars), self._addresses(hosts, task_vars)
        models = self._models(wanted, probes, {}) if wanted else {}
        return self._save(args, probes, addresses, models)

    def _changes(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What would be done to the units, from what host_units said in check mode."""
        registered = {host: task_vars["hostvars"][host].get(args["units_variable"]) for host in args["plan"]["hosts"]}
        seen = {host: item for host, item in registered.items() if item and "actions" in item}
        unseen = {host: (item or {}).get("msg", "not asked") for host, item in registered.items() if host not in seen}
        found = preview.fates(args["plan"], seen)
        if args["show"] == "text":
            display.display(preview.as_text(found, unseen))
        return {"changed": False, "units": [dataclasses.asdict(fate) for fate in found], "unseen": unseen}

    def _plan(self, wanted: intent.Intent, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        saved: dict[str, t.Any] = {}
        addresses = self._addresses(wanted.members, task_vars)
        if args["probes_file"]:
            read = probes_file.read(args["probes_file"], wanted.members)
            probes, saved = dict(read.probes), read.models
            # What the inventory says of an address is intent; the file helps where it says nothing.
            addresses = {**addresses, **{host: to for host, to in read.addresses.items() if addresses[host] == host}}
        else:
            probes = self._registered(wanted.members, args, task_vars)
        models = self._models(wanted, probes, saved)
        result = self._save(args, probes, addresses, models) if args["save_probes"] else {"changed": False}
        interfaces = self._interfaces(wanted.members, task_vars)
        try:
            found = plan.plan(wanted, probes, addresses, models, interfaces, self._logins(wanted.members, task_vars))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            if not args["probes_file"]:
                raise
            what = f"{args['probes_file']} holds probes that cannot be read ({type(error).__name__}: {error})"
            raise AnsibleActionFail(f"{what}. Fix: write it with playbooks/probe.yml") from error
        if args["apply"]:
            applicable.check(found)
        if args["page"]:
            changed = controller_file.write(args["page"], page.as_html(found), self._task.check_mode)
            result["changed"] = result["changed"] or changed
            result["page"] = args["page"]
            self._say("page", args["page"], changed)
        if args["show"] != "none":
            # Straight to the person: as a task's result it would be one escaped line.
            display.display(_SHOW[args["show"]](found))
        return {**result, "plan": found}

    def _registered(
        self, hosts: t.Sequence[str], args: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        """Probes by host; None: not probed."""
        registered = {host: task_vars["hostvars"][host].get(args["probe_variable"]) for host in hosts}
        return {host: _plain(item.get("probe")) if item else None for host, item in registered.items()}

    def _addresses(self, hosts: t.Sequence[str], task_vars: dict[str, t.Any]) -> dict[str, str]:
        return {host: address(host, task_vars) for host in hosts}

    def _interfaces(self, hosts: t.Sequence[str], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """The interface that a person chose for a host."""
        chosen = {host: task_vars["hostvars"][host].get("vllm_interface") for host in hosts}
        return {host: str(name) for host, name in chosen.items() if name}

    def _logins(self, hosts: t.Sequence[str], task_vars: dict[str, t.Any]) -> dict[str, int]:
        """The ports of ssh that the inventory names."""
        written = {host: task_vars["hostvars"][host].get("ansible_port") for host in hosts}
        return {host: int(port) for host, port in written.items() if str(port).isdecimal()}

    def _models(self, wanted: intent.Intent, probes: dict[str, t.Any], saved: dict[str, t.Any]) -> dict[str, t.Any]:
        collected = model_sources.collect(wanted, probes, saved)
        for name, reason in collected.unread.items():
            display.warning(f"The config.json of {name} could not be read from the hub: {reason}")
        return collected.sources

    def _save(
        self, args: dict[str, t.Any], probes: dict[str, t.Any], addresses: dict[str, str], models: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        known = {host: probe for host, probe in probes.items() if probe}
        if not known:
            raise AnsibleActionFail("No host was probed, so there is nothing to save")
        path = args["save_probes"]
        changed = controller_file.write(path, probes_file.text(known, addresses, models), self._task.check_mode)
        self._say(f"probes of {amounts.plural(len(known), 'host')}", path, changed)
        left = sorted(set(probes) - set(known))
        if left:
            display.warning(f"Not saved, because they were not probed: {', '.join(left)}")
        return {"changed": changed, "saved": sorted(known)}

    def _say(self, what: str, path: str, changed: bool) -> None:
        if not changed:
            display.display(f"{path} is up to date ({what})")
        elif self._task.check_mode:
            display.display(f"Check mode: {path} is not written ({what})")
        else:
            display.display(f"Wrote {path} ({what})")

    def _warn(self, warnings: list[dict[str, str]]) -> None:
        for item in warnings:
            display.warning(f"{item['path']}: {item['message']}. Fix: {item['fix']}")

    def _variables(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The plan's variables, templated, and the names of the rest: no other value is looked at."""
        found: dict[str, t.Any] = {}
        for name in task_vars:
            if name in FLEET:
                try:
                    found[name] = _plain(self._templar.template(task_vars[name]))
                except Exception as error:
                    raise AnsibleActionFail(f"{name} cannot be templated: {error}") from error
            elif name.startswith("vllm"):
                found[name] = None
        return found

    def _selector(self, task_vars: dict[str, t.Any]) -> intent.Select:
        lookup = lookup_loader.get("ansible.builtin.inventory_hostnames", loader=self._loader, templar=self._templar)
        return lambda pattern: list(lookup.run([pattern], variables=task_vars))


def _listed(sides: t.Sequence[intent.Service]) -> dict[str, t.Any]:
    """A service as the intent tells of it, whole. sides: its prefill and decode sides, or itself."""
    first, replicas = sides[0], [side["replicas"] for side in sides]
    doors = [first.router.host] if first.router.host else []
    return {
        "name": first.name,
        "model": first["model"],
        "replicas": None if None in replicas else sum(replicas),
        "door": first.router.enabled,
        "hosts": list(dict.fromkeys([host for side in sides for host in side.hosts] + doors)),
    }


def _locked(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    """The variables as the lock that they name has them."""
    path = variables.get("vllm_lock")
    refusals = Refusals()
    if not path:
        return variables
    if not isinstance(path, str):
        refusals.add("lock-form", "vllm_lock", None, "is no path of a lock's file", "write -e vllm_lock=FILE")
        refusals.raise_if_any()
    found = pins.apply(variables, lock_file.read(path), refusals)
    refusals.raise_if_any()
    return found


def _plain(value: t.Any) -> t.Any:
    """Own containers, so that nothing is templated again while the planner reads."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
