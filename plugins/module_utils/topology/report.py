# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that outputs of nvidia-smi tell of a host's GPUs, as one document of plain values."""

from __future__ import annotations

import dataclasses
import typing as t

from .gpu import Gpu, Inventory
from .graph import Graph
from .groups import SIZES, Group, recommend
from .health import check
from .kinds import NVLINK, UNKNOWN, Link
from .matrix import Matrix, read_matrix
from .nvlink import GpuLinks, read_nvlink
from .smi_csv import read_headless, read_tables
from .smi_errors import Diagnosis, diagnose
from .smi_list import read_list
from .smi_query import read_query
from .smi_table import read_table
from .smi_xml import read_xml
from .text import number_text

Document = dict[str, t.Any]


@dataclasses.dataclass
class _Found:
    matrix: Matrix | None = None
    gpus: list[Gpu] = dataclasses.field(default_factory=list)
    links: list[GpuLinks] = dataclasses.field(default_factory=list)
    diagnosis: list[Diagnosis] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def read_report(*outputs: tuple[str, int | None]) -> Document:
    """The document of one host from outputs of nvidia-smi, each with its exit status (None: not known). Never raises.

    An output may hold several formats (``topo -m``, ``nvlink``, ``-L``, ``-q``, ``-q -x``, CSV, the table that
    ``nvidia-smi`` prints without options, errors) among other text. Keys: gpu_count, nic_count, gpus, nics, links,
    nvlink_groups, cliques, groups_by_size, warnings, diagnosis.
    """
    found = _Found()
    for text, status in outputs:
        _read(text, status, found)
    if found.matrix is None and not found.gpus and not found.diagnosis and not found.warnings:
        found.diagnosis.append(
            Diagnosis(
                "nothing_found",
                "The text holds no output of nvidia-smi that is understood.",
                "Give the output of nvidia-smi topo -m; -L, -q, -q -x, nvlink -s and --query-gpu are understood too.",
                outputs[0][0].strip()[:100] if outputs else "",
            )
        )
    unhealthy = check(found.gpus)
    precise = {item.id for item in unhealthy}
    found.diagnosis = [item for item in found.diagnosis if item.gpu or item.id not in precise] + unhealthy
    return _document(found)


def _read(text: str, status: int | None, found: _Found) -> None:
    found.diagnosis += [item for item in diagnose(text, status) if item not in found.diagnosis]
    matrix = read_matrix(text)
    if matrix is not None and found.matrix is None:
        found.matrix = matrix
        found.warnings += matrix.warnings
    tables = read_tables(text)
    inventories = [table.gpus() for table in tables if table.lists_gpus]
    inventories += [read_xml(text), read_query(text), read_list(text), read_table(text)]
    if not tables:
        inventories.append(read_headless(text))
    for inventory in inventories:
        _merge(inventory, found)
    for table in tables:
        if not table.lists_gpus:
            found.warnings += table.warnings
            if not found.gpus:
                found.warnings.append("a list of processes does not tell which GPUs there are")
            for uuid, process in table.processes():
                owners = [gpu for gpu in found.gpus if gpu.uuid == uuid and uuid is not None]
                if len(owners) == 1 and process not in owners[0].processes:
                    owners[0].processes.append(process)
    links, warnings = read_nvlink(text)
    found.links += [item for item in links if item.index not in {known.index for known in found.links}]
    found.warnings += warnings


def _merge(inventory: Inventory, found: _Found) -> None:
    found.warnings += inventory.warnings
    for gpu in inventory.gpus:
        known = _same(gpu, found.gpus)
        if known is None:
            found.gpus.append(gpu)
            continue
        for field in dataclasses.fields(Gpu):
            old, new = getattr(known, field.name), getattr(gpu, field.name)
            if old in (None, []):
                setattr(known, field.name, new)
            elif field.name in ("name", "uuid") and new not in (None, old):
                found.warnings.append(f"GPU{gpu.index} has the {field.name} {old} and the {field.name} {new}")


def _same(gpu: Gpu, known: list[Gpu]) -> Gpu | None:
    """The GPU already known that this one is: by index, or by bus address where one has no index."""
    for other in known:
        if gpu.index is not None and other.index is not None:
            if gpu.index == other.index:
                return other
        elif gpu.bus_id is not None and gpu.bus_id == other.bus_id:
            return other
    return None


def _document(found: _Found) -> Document:
    matrix = found.matrix or Matrix()
    graph = graph_of_matrix(matrix)
    devices = {name: device or name for name, device in matrix.devices.items()}
    known = {gpu.index: gpu for gpu in found.gpus if gpu.index is not None}
    for index in matrix.gpus:
        known.setdefault(index, Gpu(index=index))
    gpus = [known[index] for index in sorted(known)] + [gpu for gpu in found.gpus if gpu.index is None]
    found.warnings += _compare(found, graph)
    nvlinks = {item.index: item for item in found.links}
    sizes = SIZES if found.matrix is not None else SIZES[:1]
    if found.matrix is None:
        graph.gpus = sorted(known)
    return {
        "gpu_count": len(matrix.gpus) or len(gpus),
        "nic_count": len(matrix.nics),
        "gpus": [_gpu(gpu, matrix, graph, nvlinks.get(gpu.index), devices) for gpu in gpus],
        "nics": [_nic(name, matrix) for name in matrix.nics],
        "links": [
            {"gpus": [a, b], "type": link.kind, "count": link.count} for (a, b), link in sorted(graph.links.items())
        ],
        "nvlink_groups": graph.nvlink_groups(),
        "cliques": graph.cliques(),
        "groups_by_size": {
            str(size): [_group(group, devices) for group in recommend(graph, size)] if size in sizes else []
            for size in SIZES
        },
        "warnings": list(dict.fromkeys(found.warnings)),
        "diagnosis": [dataclasses.asdict(item) for item in found.diagnosis],
    }


def graph_of_matrix(matrix: Matrix) -> Graph:
    """The graph of a matrix, with the NUMA nodes and NICs of each GPU."""
    return Graph(
        gpus=list(matrix.gpus),
        links={pair: link for pair, link in matrix.gpu_links().items() if link != UNKNOWN},
        numa={number: tuple(affinity.numa or ()) for number, affinity in matrix.affinity.items()},
        nics={number: {nic: matrix.link(f"GPU{number}", nic) for nic in matrix.nics} for number in matrix.gpus},
    )


def graph_of_document(document: t.Mapping[str, t.Any]) -> Graph:
    """The graph of a document that ``read_report`` made, perhaps on another machine. NICs have their devices' names."""
    graph = Graph(
        gpus=[gpu["index"] for gpu in document["gpus"] if gpu["index"] is not None],
        links={(link["gpus"][0], link["gpus"][1]): Link(link["type"], link["count"]) for link in document["links"]},
        numa={gpu["index"]: tuple(gpu["numa"] or ()) for gpu in document["gpus"] if gpu["index"] is not None},
    )
    for nic in document["nics"]:
        for link in nic["links"]:
            graph.nics.setdefault(link["gpu"], {})[nic["device"] or nic["name"]] = Link(link["type"], link["count"])
    return graph


def _gpu(
    gpu: Gpu, matrix: Matrix, graph: Graph, nvlink: GpuLinks | None, devices: t.Mapping[str, str]
) -> dict[str, t.Any]:
    affinity = matrix.affinity.get(gpu.index) if gpu.index is not None else None
    near = graph.nearest_nics(gpu.index) if gpu.index is not None else []
    return {
        **dataclasses.asdict(gpu),
        "cpu_affinity": affinity.cpus if affinity else None,
        "numa": affinity.numa if affinity else None,
        "gpu_numa": affinity.gpu_numa if affinity else None,
        "nics": [devices[nic] for nic in near],
        "nvlink": nvlink
        and {
            "state": nvlink.state,
            "active": nvlink.active,
            "count": len(nvlink.links),
            "gbytes_per_s": nvlink.gbytes_per_s,
        },
    }


def _nic(name: str, matrix: Matrix) -> dict[str, t.Any]:
    links = {number: matrix.link(f"GPU{number}", name) for number in matrix.gpus}
    return {
        "name": name,
        "device": matrix.devices[name],
        "links": [{"gpu": number, "type": link.kind, "count": link.count} for number, link in links.items()],
    }


def _group(group: Group, devices: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {
        "gpus": list(group.gpus),
        "type": group.link.kind if group.link else None,
        "count": group.link.count if group.link else 0,
        "nvlinked": group.nvlinked,
        "nic": devices[group.nic] if group.nic else None,
        "nics": [devices[nic] for nic in group.nics],
    }


def _compare(found: _Found, graph: Graph) -> list[str]:
    """Where the outputs contradict each other, or a host's GPUs are not alike."""
    warnings: list[str] = []
    matrix = found.matrix
    if matrix is None:
        if len(found.gpus) > 1:
            warnings.append("no link matrix (nvidia-smi topo -m): the links between the GPUs are not known")
        return warnings
    listed = sorted(gpu.index for gpu in found.gpus if gpu.index is not None)
    if listed and listed != matrix.gpus:
        warnings.append(f"the matrix has {len(matrix.gpus)} GPUs, the other output lists {len(listed)}")
    odd = graph.odd_ones()
    if odd:
        warnings.append(
            f"{number_text(odd)}: no NVLink, while others are joined by NVLinks; where all are of one kind, "
            "check nvidia-smi nvlink -s, the fabric manager and dmesg"
        )
    for links in found.links:
        if links.index not in graph.gpus or len(graph.gpus) < 2:
            continue
        shown = any(graph.link(links.index, other).kind == NVLINK for other in graph.gpus if other != links.index)
        if (
            links.active
            and not shown
            and all(graph.link(links.index, other) != UNKNOWN for other in graph.gpus if other != links.index)
        ):
            warnings.append(
                f"GPU{links.index}: {links.active} active NVLinks, but the matrix shows none "
                "(topo -mp leaves NVLinks out; a link may lead to a GPU that this host does not see)"
            )
        if shown and links.state in ("inactive", "unsupported"):
            warnings.append(f"GPU{links.index}: the matrix shows NVLinks, but nvidia-smi nvlink says {links.state}")
    return warnings
