# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Link matrices made up for tests, printed as nvidia-smi prints them and as people paste them."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from hypothesis import strategies as st

PCIE = ("PIX", "PXB", "PHB", "NODE", "SYS")
COLUMNS = ("CPU Affinity", "NUMA Affinity", "GPU NUMA ID")
LEGEND = """
Legend:

  X    = Self
  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)
  NODE = Connection traversing PCIe as well as the interconnect between PCIe Host Bridges within a NUMA node
  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically the CPU)
  PXB  = Connection traversing multiple PCIe bridges (without traversing the PCIe Host Bridge)
  PIX  = Connection traversing at most a single PCIe bridge
  NV#  = Connection traversing a bonded set of # NVLinks
"""


@dataclasses.dataclass
class Host:
    """The truth of a matrix. affinity: the values of the columns, by GPU, '' where the driver prints nothing."""

    gpus: int
    nics: list[str]
    links: dict[tuple[str, str], str]
    columns: tuple[str, ...] = COLUMNS
    affinity: list[tuple[str, ...]] = dataclasses.field(default_factory=list)
    devices: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [f"GPU{number}" for number in range(self.gpus)] + self.nics

    def link(self, a: str, b: str) -> str:
        return self.links.get((a, b)) or self.links[b, a]

    def gpu_links(self) -> dict[tuple[int, int], str]:
        pairs = itertools.combinations(range(self.gpus), 2)
        return {(a, b): self.link(f"GPU{a}", f"GPU{b}") for a, b in pairs}


def lines(host: Host) -> list[str]:
    """The matrix with the tabs that the driver prints."""
    result = ["\t" + "\t".join([*host.names, *host.columns])]
    for a in host.names:
        cells = [" X " if a == b else host.link(a, b) for b in host.names]
        row = a + "\t" + "\t".join(cells)
        if a.startswith("GPU"):
            values = host.affinity[int(a[3:])]
            for column, value in zip(host.columns, values):
                row += "\t" + {"NUMA Affinity": "\tN/A" if value == "N/A" else value}.get(column, value)
                row += "\t" if column == "NUMA Affinity" and len(host.columns) > 2 else ""
        elif host.columns:
            row += "\t" * (len(host.columns) + 1)
        result.append(row)
    return result


def legend(host: Host) -> str:
    text = LEGEND
    if host.devices:
        text += "\nNIC Legend:\n\n" + "".join(f"  {name}: {device}\n" for name, device in host.devices.items())
    return text


def text(host: Host) -> str:
    return "\n".join(lines(host)) + "\n" + legend(host)


def uniform(gpus: int, link: str, nics: t.Sequence[str] = (), nic_link: str = "SYS") -> Host:
    """A host of which all pairs of GPUs have one kind of link."""
    names = [f"GPU{number}" for number in range(gpus)]
    links = dict.fromkeys(itertools.combinations(names, 2), link)
    links.update({pair: nic_link for pair in itertools.combinations([*names, *nics], 2) if pair not in links})
    return Host(gpus, list(nics), links, affinity=[("0-15", "0", "N/A")] * gpus)


def with_links(gpus: int, links: t.Mapping[tuple[int, int], str], other: str) -> Host:
    """A host with the given links between GPUs, and one kind between all other pairs."""
    host = uniform(gpus, other)
    host.links.update({(f"GPU{a}", f"GPU{b}"): link for (a, b), link in links.items()})
    return host


_LISTS = st.sampled_from(["0-23", "0-31,64-95", "48-95,144-191", "2,66", "0-71", "8", "0,2,4"])
_KINDS = st.sampled_from(PCIE) | st.integers(1, 36).map(lambda count: f"NV{count}")


@st.composite
def hosts(draw: st.DrawFn, most_gpus: int = 8) -> Host:
    gpus = draw(st.integers(1, most_gpus))
    style = draw(st.sampled_from(["NIC", "mlx5_", "rocep", "ibp", "bnxt_re", "siw_eth", "mlx5_bond_"]))
    numbers = range(draw(st.integers(0, 5)))
    nics = [f"{style}{number}{'s0' if style == 'ibp' else ''}" for number in numbers]
    names = [f"GPU{number}" for number in range(gpus)]
    links = {pair: draw(_KINDS) for pair in itertools.combinations(names, 2)}
    for pair in itertools.combinations([*names, *nics], 2):
        links.setdefault(pair, draw(st.sampled_from(PCIE)))
    columns = COLUMNS[: draw(st.sampled_from([2, 3, 3]))]
    affinity = [
        (
            draw(_LISTS | st.just("")),
            draw(st.sampled_from(["0", "1", "N/A", "0-1", "0,2-8"])),
            draw(st.sampled_from(["N/A", "2", "18"])),
        )[: len(columns)]
        for _gpu in range(gpus)
    ]
    devices = {name: f"mlx5_{name[3:]}" for name in nics} if style == "NIC" else {}
    return Host(gpus, nics, links, columns, affinity, devices)


_PREFIXES = st.sampled_from(
    [
        "",
        "> ",
        ">>> ",
        "2026-11-20T10:00:07.123456Z ",
        "2026-11-20 10:00:07,123 INFO vllm-0 ",
        "[pod/vllm-decode-7d9f/vllm] ",
        "vllm-1  | ",
        "(EngineCore pid=4711) ",
        "[1,0]<stdout>:",
        "node17: ",
    ]
)
_ESCAPES = st.sampled_from(
    [
        ("", ""),
        ("\x1b[4m", "\x1b[0m"),
        ("[4m", "[0m"),
        ("\ufffd[4m", "\ufffd[0m"),
        ("^[[4m", "^[[0m"),
        ("\\x1b[4m", "\\x1b[0m"),
        ("\\u001b[4m", "\\u001b[0m"),
        ("\\033[4m", "\\033[0m"),
        ("\x1b[1;4;31m", "\x1b[m"),
        ("\x1b[4", "\x1b["),
        ("\x1b4m", "\x1b"),
        ("4m", "0m"),
        ("m", "["),
        ("\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"),
    ]
)


@st.composite
def pasted(draw: st.DrawFn, host: Host) -> str:
    """The matrix of a host in a form that lost nothing that matters."""
    printed = lines(host)
    form = draw(st.sampled_from(["tabs", "tabs of 8", "tabs of 4", "two blanks", "blanks"]))
    if form == "tabs of 8":
        printed = [line.expandtabs(8) for line in printed]
    start, end = draw(_ESCAPES)
    header = printed[0].strip() if draw(st.booleans()) else printed[0]
    at = len(header) - len(header.lstrip())
    printed[0] = header[:at] + start + header[at:] + end
    complete = all(all(values) for values in host.affinity)
    if complete and form == "tabs of 4":
        printed = [line.replace("\t\t", "\t").replace("\t", "    ") for line in printed]
    if complete and form in ("two blanks", "blanks"):
        # A column's name holds one blank, so at least two stand between columns.
        printed = [line.replace("\t", "  " if form == "two blanks" else "     ") for line in printed]
    prefix = draw(_PREFIXES)
    if draw(st.booleans()):
        printed = [line.rstrip() for line in printed]
    body = [prefix + line for line in printed]
    noise = draw(st.sampled_from(["", "$ nvidia-smi topo -m\n", "GPU topology:\n\n", "Thu Nov 20 10:00:00 2026\n"]))
    ending = "\r\n" if draw(st.booleans()) else "\n"
    tail = (
        "".join(prefix + line + "\n" for line in legend(host).split("\n"))
        if host.devices or draw(st.booleans())
        else ""
    )
    return (noise + "\n".join(body) + "\n" + tail).replace("\n", ending)


@st.composite
def damaged(draw: st.DrawFn, host: Host) -> str:
    """The matrix of a host with something lost."""
    whole = draw(pasted(host))
    kind = draw(st.sampled_from(["end", "start", "right", "row", "blanks", "characters", "swap"]))
    rows = whole.split("\n")
    if kind == "end":
        return whole[: draw(st.integers(0, len(whole)))]
    if kind == "start":
        return whole[draw(st.integers(0, len(whole))) :]
    if kind == "right":
        width = draw(st.integers(0, max(map(len, rows))))
        return "\n".join(row[:width] for row in rows)
    if kind == "row":
        del rows[draw(st.integers(0, len(rows) - 1))]
        return "\n".join(rows)
    if kind == "swap":
        a, b = (draw(st.integers(0, len(rows) - 1)) for _side in range(2))
        rows[a], rows[b] = rows[b], rows[a]
        return "\n".join(rows)
    if kind == "blanks":
        width = draw(st.integers(1, 60))
        return "\n".join(row[:width].rstrip() + row[width:].lstrip() for row in rows)
    result = list(whole)
    for _damage in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(result) - 1))
        result[at : at + draw(st.integers(0, 3))] = draw(
            st.sampled_from(["", " ", "\t", "\n", "X", "\ufffd", "N", "1"])
        )
    return "".join(result)
