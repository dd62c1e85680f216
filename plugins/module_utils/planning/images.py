# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image a member's containers are made from, and what its host must have for that."""

from __future__ import annotations

import typing as t

from ..images import derived, reference
from ..releases import packages, runtimes
from . import environments
from .devices import Probe
from .errors import Refusals
from .intent import Service
from .members import Member
from .placement import Engine


def check(service: Service, fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """Refuse names that no engine takes, before any host is touched."""
    if service["runtime"] != "container":
        return
    path, written = written_at(service, fleet)
    if not written:
        return
    try:
        found = reference.parse(written)
    except reference.BadReference as error:
        fix = "write registry/path:tag, registry/path@sha256:…, or sha256:… of an image that is on the hosts"
        refusals.add("image-name", path, written, f"is no name of an image: {error}", fix)
        return
    if found.digest and fleet["vllm_image_archive"]:
        rule = "a digest is a registry's, and an image that is loaded from vllm_image_archive has none"
        fix = "write its tag, or its id (sha256:…, as docker image inspect tells it)"
        refusals.add("image-archive", path, written, rule, fix)


def written_at(service: Service, fleet: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Where a person wrote the image, and what; "" where nothing is written."""
    if service["image"] or not fleet["vllm_image"]:
        return f"{service.path}.image", service["image"] or ""
    return "vllm_image", fleet["vllm_image"]


def base(engine: Engine, probe: Probe, fleet: t.Mapping[str, t.Any]) -> str:
    """The image with vLLM, as an engine calls it: by the lock's digest, or its id where it comes from an archive."""
    name = named(engine, probe, fleet)
    locked = ((fleet["vllm_lock"] or {}).get("images") or {}).get(name) or {}
    if fleet["vllm_image_archive"] or not locked.get("digest"):
        return str(locked.get("id") or name)
    return reference.pinned(reference.parse(name), locked["digest"]).text


def check_locked(
    engine: Engine, probes: t.Mapping[str, Probe], fleet: t.Mapping[str, t.Any], refusals: Refusals
) -> None:
    """Refuse an image that the lock does not hold."""
    lock = fleet["vllm_lock"]
    if not lock or engine.service["runtime"] != "container":
        return
    path, _written = written_at(engine.service, fleet)
    for name in dict.fromkeys(named(engine, probes.get(host), fleet) for host in engine.hosts):
        if name not in lock["images"]:
            fix = "name the image that was locked, or write the lock anew with playbooks/lock.yml"
            refusals.add("lock-drift", path, name, "is an image that the lock does not hold", fix)


def named(engine: Engine, probe: Probe, fleet: t.Mapping[str, t.Any]) -> str:
    """The image with vLLM by its name: what a person wrote, else the vLLM project's own; by the mirror."""
    service = engine.service
    machine = str((probe or {}).get("machine") or "x86_64")
    _path, written = written_at(service, fleet)
    found = reference.parse(written or packages.image(service["version"], engine.accelerator, machine))
    return reference.mirrored(found, fleet["vllm_image_mirror"]).text


def check_sources(engine: Engine, fleet: t.Mapping[str, t.Any], refusals: Refusals) -> None:
    """Refuse a password that would stay in the history of an image that is built."""
    if engine.service["runtime"] != "container" or not lacks_ray(engine, fleet):
        return
    rule = "holds a user or a password, and stays in the history of the image that Ray is added to"
    fix = "name an index that needs none, as a mirror inside the hosts' network, or an image of your own that holds Ray"
    if derived.with_password([fleet["vllm_python_index_url"] or ""]):
        refusals.add("image-index-password", "vllm_python_index_url", None, rule, fix)
    for number in derived.with_password(fleet["vllm_python_extra_index_urls"]):
        refusals.add("image-index-password", f"vllm_python_extra_index_urls[{number}]", None, rule, fix)


def lacks_ray(engine: Engine, fleet: t.Mapping[str, t.Any]) -> bool:
    """Whether Ray has to be added: a person's own image is taken as it is."""
    service = engine.service
    _path, written = written_at(service, fleet)
    official = not written or written.startswith("vllm/vllm-openai")
    holds = engine.accelerator != "cpu" and runtimes.image_holds_ray(service["version"])
    return engine.executor == "ray" and official and not holds


def of(member: Member, fleet: t.Mapping[str, t.Any]) -> str:
    """What the member's units run."""
    found = base(member.engine, member.probe, fleet)
    return derived.tag(found, _ray(member, fleet)) if lacks_ray(member.engine, fleet) else found


def add(images: list[dict[str, t.Any]], member: Member, fleet: t.Mapping[str, t.Any]) -> None:
    """Put what the member needs into its host's ``images``, in the order in which it is brought."""
    found = base(member.engine, member.probe, fleet)
    name = named(member.engine, member.probe, fleet)
    wanted = [_item(found, name, member.probe, fleet["vllm_image_archive"])]
    if lacks_ray(member.engine, fleet):
        ray = _ray(member, fleet)
        made = derived.tag(found, ray)
        wanted.append({**_item(made, made, member.probe, None), "base": found, "ray": ray})
    images += [item for item in wanted if all(item["reference"] != other["reference"] for other in images)]


def _ray(member: Member, fleet: t.Mapping[str, t.Any]) -> str:
    return environments.ray_version(member.engine.service["version"], fleet)


def _item(found: str, name: str, probe: Probe, archive: str | None) -> dict[str, t.Any]:
    there = {item.get("name"): item for item in (probe or {}).get("images") or ()}
    return {
        "reference": found,
        "name": name,
        "digest": reference.parse(found).digest,
        "size_bytes": (there.get(found) or {}).get("size_bytes"),
        "archive": archive,
        "base": None,
        "ray": None,
    }
