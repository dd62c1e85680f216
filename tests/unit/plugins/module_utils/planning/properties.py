# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every plan and every refusal must be, whatever the cluster: each check tells what is wrong, or nothing."""

from __future__ import annotations

import copy
import functools
import json
import typing as t
from pathlib import PurePosixPath

from ansible_collections.vllm.cluster.plugins.module_utils.models import config
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.planning.rules import RULES
from ansible_collections.vllm.cluster.plugins.module_utils.releases.versions import parse as parse_version

from .clusters import CONFIGS, Cluster

Problems = t.Iterator[str]


def of_refusals(error: PlanError) -> Problems:
    """A refusal says which rule, where, why and what to do; no secret."""
    if not error.refusals:
        yield "a PlanError without a refusal"
    for refusal in error.refusals:
        if refusal.id not in RULES:
            yield f"the id {refusal.id!r} is not in RULES: {refusal}"
        if not refusal.path.startswith("vllm_") or not refusal.rule or not refusal.fix:
            yield f"path, rule or fix is missing: {refusal}"
        if "sk-hidden" in str(refusal):
            yield f"tells a secret: {refusal}"


def of_plan(cluster: Cluster, plan: t.Mapping[str, t.Any]) -> Problems:
    """All that holds for a plan by itself."""
    yield from _disaggregation(plan)
    yield from _doors(plan)
    yield from _devices(cluster, plan)
    yield from _ports(cluster, plan)
    yield from _units(plan)
    for engine in plan["engines"]:
        yield from _sizes(engine)
        yield from _model_divides(cluster, engine)
        yield from _members_alike(cluster, plan, engine)
        yield from _memory(engine)
    for decision in plan["decisions"]:
        if not decision["path"].startswith("vllm_") or not decision["why"]:
            yield f"a decision lacks something: {decision}"
    for warning in plan["warnings"]:
        if warning["id"] not in RULES or not warning["path"] or not warning["message"] or not warning["fix"]:
            yield f"a warning lacks something: {warning}"
    if "sk-hidden" in repr(plan):
        yield "the plan tells a secret"


def _devices(cluster: Cluster, plan: t.Mapping[str, t.Any]) -> Problems:
    given: dict[tuple[str, int], str] = {}
    written = {item["name"]: item.get("devices") or () for item in cluster.variables["vllm_services"] if "name" in item}
    for engine in plan["engines"]:
        for member in engine["members"]:
            gpus = {gpu["index"]: gpu for gpu in (cluster.probes[member["host"]] or {}).get("gpus") or ()}
            for index in member["devices"]:
                other = given.setdefault((member["host"], index), engine["name"])
                if other != engine["name"] or member["devices"].count(index) > 1:
                    yield f"GPU {index} of {member['host']} is given to {other} and {engine['name']}"
                if index not in gpus:
                    yield f"GPU {index} of {member['host']} does not exist"
                elif gpus[index]["problems"] or (gpus[index]["mig"] and index not in written[engine["service"]]):
                    yield f"GPU {index} of {member['host']} is not fit and given to {engine['name']}"
    shown = {
        (host, index) for host, item in plan["hosts"].items() for unit in item["units"] for index in unit["devices"]
    }
    if not shown <= set(given):
        yield f"units have GPUs that no engine has: {sorted(shown - set(given))}"


def _ports(cluster: Cluster, plan: t.Mapping[str, t.Any]) -> Problems:
    taken: dict[tuple[str, int], str] = {}
    owners = [
        (member["host"], engine["name"], member["ports"]) for engine in plan["engines"] for member in engine["members"]
    ]
    for host, item in plan["hosts"].items():
        owners += [(host, unit["name"], unit["ports"]) for unit in item["units"] if unit["engine"] is None]
    for host, owner, ports in owners:
        foreign = {
            item["port"]
            for item in (cluster.probes[host] or {}).get("listeners") or ()
            if not str(item.get("unit") or "").startswith("vllm-")
        }
        for kind, port in ports.items():
            for number in _numbers(port):
                me = f"{kind} of {owner}"
                other = taken.setdefault((host, number), me)
                if other != me:
                    yield f"port {number} of {host} is given to {other} and {me}"
                if number in foreign:
                    yield f"port {number} of {host} is another's and given to {me}"
                if not 1 <= number <= 65535:
                    yield f"{number} is no port ({me} on {host})"
            if not _numbers(port):
                yield f"{kind} of {owner} on {host} is the empty range {port}"


def _disaggregation(plan: t.Mapping[str, t.Any]) -> Problems:
    """Prefill engines have decode engines, and each is told its side and an address that the other reaches."""
    units = {unit["name"]: unit for item in plan["hosts"].values() for unit in item["units"]}
    for service in plan["services"]:
        mine = [engine for engine in plan["engines"] if engine["service"] == service["name"]]
        kinds = {engine["kind"] for engine in mine}
        if kinds not in ({"serve"}, {"prefill", "decode"}):
            yield f"{service['name']}: engines of the kinds {sorted(kinds)}"
        hosts = {member["host"] for engine in mine for member in engine["members"]}
        for engine in mine if "prefill" in kinds else ():
            unit = units[engine["members"][0]["unit"]]
            role = {"prefill": "kv_producer", "decode": "kv_consumer"}[engine["kind"]]
            told = json.loads(unit["exec"][unit["exec"].index("--kv-transfer-config") + 1])
            direct = told["kv_connector"] in ("NixlConnector", "MooncakeConnector")
            if direct and told["kv_role"] != role:
                yield f"{engine['name']}: {told}"
            address = unit["environment"].get("VLLM_NIXL_SIDE_CHANNEL_HOST", "")
            if told["kv_connector"] == "NixlConnector" and (address == "127.0.0.1") != (len(hosts) == 1):
                yield f"{engine['name']}: its side channel is at {address}, and engines stand on {sorted(hosts)}"


def _doors(plan: t.Mapping[str, t.Any]) -> Problems:
    """A door has every engine of its service behind it, where nobody else calls it."""
    for service in plan["services"]:
        doors = [(host, item) for host, found in plan["hosts"].items() for item in found["routers"]]
        mine = [(host, item) for host, item in doors if item["service"] == service["name"]]
        if bool(mine) != bool(service["router"]) or len(mine) > 1:
            yield f"{service['name']}: {len(mine)} doors"
        for host, item in mine:
            if {worker["engine"] for worker in item["workers"]} != set(service["engines"]):
                yield f"{service['name']}: the door knows {item['workers']}"
            loopback = [worker["url"] for worker in item["workers"] if "//127.0.0.1:" in worker["url"]]
            stands = {
                engine["members"][0]["host"] for engine in plan["engines"] if engine["service"] == service["name"]
            }
            if loopback and stands | {host} != {host}:
                yield f"{service['name']}: the door cannot reach {loopback}"
            if item["engine_key"] is None and service["api_key"] is not None:
                yield f"{service['name']}: engines without a key"


def _units(plan: t.Mapping[str, t.Any]) -> Problems:
    names = [(host, unit["name"]) for host, item in plan["hosts"].items() for unit in item["units"]]
    if len(set(names)) < len(names):
        yield "two units of one host have one name"
    wanted = {(member["host"], member["unit"]) for engine in plan["engines"] for member in engine["members"]}
    if not wanted <= set(names):
        yield f"members without a unit: {sorted(wanted - set(names))}"
    engines = [engine["name"] for engine in plan["engines"]]
    if [name for service in plan["services"] for name in service["engines"]] != engines or not all(
        service["engines"] for service in plan["services"]
    ):
        yield "services and engines do not name each other"


def _sizes(engine: t.Mapping[str, t.Any]) -> Problems:
    parallel, members = engine["parallel"], engine["members"]
    world = parallel["tensor"] * parallel["pipeline"] * parallel["data"]
    counts = {len(member["devices"]) for member in members}
    if engine["world_size"] != world:
        yield f"{engine['name']}: world size {engine['world_size']} and {world} ranks"
    if engine["accelerator"] == "cuda" and (len(counts) > 1 or sum(len(m["devices"]) for m in members) != world):
        yield f"{engine['name']}: {world} ranks on devices {[member['devices'] for member in members]}"
    if engine["accelerator"] == "cpu" and counts != {0}:
        yield f"{engine['name']}: GPUs for an engine on the CPU"
    if parallel["tensor"] % parallel["decode_context"]:
        yield f"{engine['name']}: decode_context does not divide tensor"
    if len({member["host"] for member in members}) < len(members):
        yield f"{engine['name']}: two members on one host"
    if engine["executor"] == "uni" and world > 1:
        yield f"{engine['name']}: uni for {world} ranks"


def _model_divides(cluster: Cluster, engine: t.Mapping[str, t.Any]) -> Problems:
    """What vLLM itself asserts when it builds the layers (config/model.py, fused_moe/config.py, linear.py)."""
    (written,) = (item for item in cluster.variables["vllm_services"] if item["name"] == engine["service"])
    model = written["model"]
    if model not in CONFIGS:
        return
    facts, sizes = _facts(model), engine["parallel"]
    tensor, ranks = sizes["tensor"], sizes["tensor"] * sizes["data"]
    if facts.attention_heads % tensor or (facts.kv_heads % tensor and tensor % facts.kv_heads and not facts.latent):
        yield f"{engine['name']}: heads are not divisible by {tensor}"
    if facts.dense_width % tensor:
        yield f"{engine['name']}: the width {facts.dense_width} is not divisible by {tensor}"
    data_alone = tensor == 1 and parse_version(engine["version"]) < parse_version("0.8.4")
    if facts.is_moe and (not sizes["expert"] or data_alone) and facts.expert_width % ranks:
        yield f"{engine['name']}: the experts' width {facts.expert_width} is not divisible by {ranks}"
    if sizes["expert"] and "parallel" not in written and facts.experts % ranks:
        yield f"{engine['name']}: {facts.experts} experts do not come out even over {ranks} ranks"
    if sizes["expert"] and not facts.is_moe:
        yield f"{engine['name']}: experts of a model without any are spread"


@functools.cache
def _facts(model: str) -> config.ModelFacts:
    return config.parse(json.dumps(CONFIGS[model]))


def _members_alike(cluster: Cluster, plan: t.Mapping[str, t.Any], engine: t.Mapping[str, t.Any]) -> Problems:
    members = engine["members"]
    probes = [cluster.probes[member["host"]] or {} for member in members]
    units = [
        unit for member in members for unit in plan["hosts"][member["host"]]["units"] if unit["name"] == member["unit"]
    ]
    # The members of a Ray engine besides the head have units of Ray, from the same environment or image.
    if (
        len(
            {
                (unit["runtime"], unit.get("image"), unit["user"], PurePosixPath(unit["exec"][0]).parent)
                for unit in units
            }
        )
        > 1
    ):
        yield f"{engine['name']}: members run different programs"
    known = {
        "drivers": {probe["driver"] for probe in probes if probe.get("driver") and engine["accelerator"] == "cuda"},
        "machines": {probe["machine"] for probe in probes if probe.get("machine")},
    }
    if units and units[0]["runtime"] == "env":
        pythons = {(probe.get("pythons") or {}).get("/usr/bin/python3") for probe in probes} - {None}
        minors = {python.rpartition(".")[0] for python in pythons}
        known["Pythons"] = pythons if engine["executor"] == "ray" else minors
    for what, found in known.items():
        if len(found) > 1:
            yield f"{engine['name']}: members have different {what}: {sorted(found)}"
    interfaces = [member["interface"] for member in members]
    if len(members) == 1 and interfaces != [None]:
        yield f"{engine['name']}: an interface for an engine of one host"
    if len(members) > 1 and (
        None in interfaces or len({item["address"] for item in interfaces if item}) < len(members)
    ):
        yield f"{engine['name']}: members without an address of their own: {interfaces}"


def _memory(engine: t.Mapping[str, t.Any]) -> Problems:
    memory = engine["memory"]
    if memory is None:
        if not engine["why_unknown"]:
            yield f"{engine['name']}: nobody says why its memory is not known"
        return
    for stage in memory["stages"]:
        used = stage["weights"] + stage["overhead"] + stage["kv"]
        if used > memory["budget"] or used + stage["free"] != memory["gpu_bytes"] or min(stage.values()) < 0:
            yield f"{engine['name']}: a stage does not add up: {stage}"
    if memory["requests"] is not None and memory["requests"] < 1 and not memory["bounded"]:
        yield f"{engine['name']}: not one full request fits: {memory['requests']}"
    if len(memory["gpus"]) != engine["world_size"]:
        yield f"{engine['name']}: {len(memory['gpus'])} GPUs shown for {engine['world_size']} ranks"


def written_out(cluster: Cluster, plan: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], bool]:
    """What the person wrote with all that the plan decided, and whether every GPU could be written, too."""
    variables = copy.deepcopy(cluster.variables)
    whole = True
    for service in variables["vllm_services"]:
        door = next(item["router"] for item in plan["services"] if item["name"] == service["name"])
        doors = [
            item for host in plan["hosts"].values() for item in host["routers"] if item["service"] == service["name"]
        ]
        whole = _write_out(service, plan, doors[0] if doors else None) and whole
        service["router"] = {"enabled": door is not None}
        if door is not None:
            service["router"].update(host=door["host"], port=doors[0]["port"])
            service.pop("port", None)
    return variables, whole


def _write_out(service: dict[str, t.Any], plan: t.Mapping[str, t.Any], door: t.Any) -> bool:
    """One service, or each of its sides. Tells whether every GPU could be written, too."""
    whole = True
    for side in [service[kind] for kind in ("prefill", "decode") if kind in service] or [service]:
        kind = next((kind for kind in ("prefill", "decode") if service.get(kind) is side), "serve")
        mine = [item for item in plan["engines"] if (item["service"], item["kind"]) == (service["name"], kind)]
        first = mine[0]
        side["hosts"] = list(dict.fromkeys(member["host"] for engine in mine for member in engine["members"]))
        side["parallel"] = dict(first["parallel"])
        service["accelerator"] = first["accelerator"]
        if len(mine) > 1:
            side["replicas"] = len(mine)
        if first["executor"] == "ray" or len(first["members"]) > 1:
            side["executor"] = first["executor"]
        _write_ports(side, mine, door is not None or kind != "serve")
        sets = {tuple(member["devices"]) for engine in mine for member in engine["members"]}
        if first["accelerator"] == "cuda":
            if len(mine) == 1 and len(sets) == 1:
                side["devices"] = list(sets.pop())
            else:
                whole = False
        if len(mine) == 1 and len(first["members"]) > 1 and door is None:
            names = {member["host"]: member["interface"]["name"] for member in first["members"]}
            if all(names.values()):
                side["interface"] = names
    return whole


def _numbers(value: t.Any) -> range:
    """One port, or all of a range."""
    first, last = (value, value) if isinstance(value, int) else value
    return range(first, last + 1)


def _write_ports(service: dict[str, t.Any], engines: t.Sequence[t.Mapping[str, t.Any]], behind: bool) -> None:
    """Ports of the first engine; the others of a host count up from it, so they are only written where they do."""
    nth: dict[str, int] = {}
    start = _numbers(engines[0]["members"][0]["ports"]["api"])[0]
    follows = True
    for member in (member for engine in engines for member in engine["members"] if "api" in member["ports"]):
        mine = _numbers(member["ports"]["api"])
        follows = follows and mine[0] == start + nth.get(member["host"], 0)
        nth[member["host"]] = nth.get(member["host"], 0) + len(mine)
    if follows and not behind:
        service["port"] = start
    if len(engines) == 1:
        keys = ("ray", "ray_client", "ray_dashboard", "rendezvous", "data_parallel")
        ports = engines[0]["members"][0]["ports"]
        service["ports"] = {key: ports[key] for key in keys if key in ports}
    elif "ports" in service:
        opened = {kind for engine in engines for kind in engine["members"][0]["ports"]}
        service["ports"] = {kind: port for kind, port in service["ports"].items() if kind in opened}
