# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan writes by itself, every release takes: options, their words, and variables.

Judged by the tables, which were measured with the argument parser and the sources of each release.
"""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.planning.errors import PlanError
from ansible_collections.vllm.cluster.plugins.module_utils.releases import (
    advisories,
    flags,
    tables,
    variables,
    versions,
)

from . import machines
from .clusters import Cluster
from .fleets import EXPERTS, fleet, service
from .helpers import units

ACCEPTED = {"vllm_accept_advisories": [item.id for item in advisories.everything()]}


def on_gpus(hosts, **keys):
    return fleet(hosts=hosts, **ACCEPTED), keys


def on_cpus(hosts, **keys):
    names = [f"cpu{number}" for number in range(1, hosts + 1)]
    addresses = {name: f"10.9.0.{number}" for number, name in enumerate(names, 1)}
    probes = {
        name: machines.cpu_host(name, interfaces=[machines.interface("eth0", f"{address}/24")])
        for name, address in addresses.items()
    }
    return Cluster(0, {"vllm_accelerator": "cpu", **ACCEPTED}, probes, addresses), {"model": "lab://tiny", **keys}


#: The first release that takes the shape, the cluster, and the service's keys.
SHAPES = {
    "one GPU": ("0.7.0", *on_gpus(1, model="org/dense-8b", gpus=1)),
    "GPUs of a host": ("0.7.0", *on_gpus(1)),
    "experts": ("0.8.0", *on_gpus(1, model=EXPERTS, parallel={"tensor": 8, "expert": True})),
    "copies": ("0.8.3", *on_gpus(1, model=EXPERTS, parallel={"tensor": 4, "data": 2, "expert": True})),
    "mp over hosts": ("0.11.1", *on_gpus(2, parallel={"tensor": 8, "pipeline": 2}, executor="mp")),
    "Ray over hosts": ("0.7.0", *on_gpus(2, parallel={"tensor": 8, "pipeline": 2}, executor="ray")),
    "copies over hosts": ("0.9.0", *on_gpus(2, model=EXPERTS, parallel={"tensor": 8, "data": 2}, executor="mp")),
    "one CPU": ("0.7.0", *on_cpus(1)),
    "ranks of a CPU": ("0.7.0", *on_cpus(1, parallel={"tensor": 2})),
    "mp over CPUs": ("0.11.1", *on_cpus(2, parallel={"tensor": 2}, executor="mp")),
}
PLANNED, REFUSED = (
    [
        (shape, version)
        for shape, (since, _cluster, _keys) in SHAPES.items()
        for version in tables.sampled()
        if (versions.parse(version) >= versions.parse(since)) is planned
    ]
    for planned in (True, False)
)


def planned(shape, version):
    _since, cluster, keys = SHAPES[shape]
    services = [service(**{"version": version, **keys})]
    return cluster.plan({**cluster.variables, "vllm_services": services})


def engine_units(shape, version):
    return [unit for unit in units(planned(shape, version)).values() if unit["kind"] == "engine"]


def told(argv):
    """The options of ``vllm serve MODEL --option value …``, each with what follows it."""
    found = []
    for word in argv[argv.index("serve") + 2 :]:
        if word.startswith("--"):
            name, _equals, value = word.partition("=")
            found.append((name, [value] if value else []))
        else:
            found[-1][1].append(word)
    return found


@pytest.mark.parametrize(("shape", "version"), PLANNED)
def test_the_release_takes_what_is_written(shape, version):
    for unit in engine_units(shape, version):
        for name, values in told(unit["exec"]):
            assert flags.accepts(name, version), (name, values)
            assert set(values) <= set(flags.choices(name, version) or values), (name, values)
        for name in unit["environment"]:
            assert variables.find(name, version).valid, name


@pytest.mark.parametrize(("shape", "version"), REFUSED)
def test_what_the_release_has_not_is_refused(shape, version):
    with pytest.raises(PlanError, match=r"has no option|runs on one host only"):
        planned(shape, version)


def binding(shape, version):
    return {unit["environment"]["VLLM_CPU_OMP_THREADS_BIND"] for unit in engine_units(shape, version)}


@pytest.mark.parametrize(
    ("shape", "version", "value"),
    [
        ("one CPU", "0.8.5", "all"),
        ("one CPU", "0.11.0", "all"),
        ("one CPU", "0.11.1", "nobind"),
        ("ranks of a CPU", "0.10.2", "all|all"),
        ("ranks of a CPU", "0.32.0", "nobind"),
        ("mp over CPUs", "0.32.0", "nobind"),
    ],
)
def test_ranks_are_bound_to_no_cores_in_the_words_of_the_release(shape, version, value):
    """Up to 0.11.0 a rank hands its part of the list to libnuma, whose answer to "nobind" ends the process."""
    assert binding(shape, version) == {value}
