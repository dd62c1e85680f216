#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a host is, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Read what a host is, for the planner
version_added: 0.1.0
description:
  - Reads processors, memory, GPUs with their links, network interfaces, RDMA ports, routes to peers, listening ports
    with their owners, limits, versions of what is installed, and what lies in model directories.
  - Changes nothing. A missing tool is a fact, not an error; what cannot be known is null.
  - Run it as root, otherwise the owners of other users' sockets stay unknown.
options:
  paths:
    description: Paths to look at, such as directories of models. A model is checked for completeness.
    type: list
    elements: path
    default: []
  environments:
    description: Python environments to look at, virtual or of conda, by their path.
    type: list
    elements: path
    default: []
  pythons:
    description: Python interpreters whose version is wanted, by path or by a name on the PATH.
    type: list
    elements: str
    default: []
  peers:
    description: IP addresses to which the way is wanted, without a zone.
    type: list
    elements: str
    default: []
  images:
    description: Whether the container engine is asked for its images.
    type: bool
    default: false
  timeout:
    description: Seconds that any one command may take.
    type: int
    default: 20
extends_documentation_fragment:
  - vllm.cluster.read_only
seealso:
  - module: vllm.cluster.gpu_topology
  - module: vllm.cluster.model_info
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Probe a host
  vllm.cluster.host_probe:
    paths: [/data/models/qwen]
    environments: [/opt/vllm/envs/vllm-0.33.0-cuda]
    pythons: [/usr/bin/python3.12]
    peers: [10.9.0.2, 10.9.0.3]
  register: host

- name: Take no host whose driver does not answer
  ansible.builtin.assert:
    that: host.probe.driver not in ['absent', 'failing']
    fail_msg: "{{ host.probe.gpu_diagnosis | map(attribute='fix') | join(' ') }}"
"""

RETURN = r"""
probe:
  description: What the host is. Sizes are bytes. Null stands for what cannot be known.
  returned: always
  type: dict
  contains:
    machine:
      description: Architecture, as C(uname -m) names it.
      type: str
      sample: x86_64
    hostname:
      description: Name that the host has for itself.
      type: str
      sample: gpu1
    kernel:
      description: Release of the kernel.
      type: str
      sample: 6.1.0-30-amd64
    os:
      description: The distribution, with id, version and name as in C(os-release).
      type: dict
      sample: {id: debian, version: "12", name: Debian GNU/Linux 12 (bookworm)}
    cpus:
      description: Processors that this host's processes may use.
      type: int
      sample: 64
    memory_bytes:
      description: Physical memory.
      type: int
    memory_available_bytes:
      description: Memory that new processes can have without swapping.
      type: int
    numa:
      description: One item a NUMA node, with node, cpus as the kernel lists them (empty for bare memory), memory_bytes.
      type: list
      elements: dict
      sample: [{node: 0, cpus: 0-31, memory_bytes: 540550588416}]
    local_ports:
      description: First and last of the ports that the kernel chooses from, null where it does not tell.
      type: list
      elements: int
      sample: [32768, 60999]
    shm:
      description: Shared memory, with path, total_bytes and free_bytes.
      type: dict
    memlock:
      description:
        - Bytes that a unit may lock when it does not say otherwise (an int), or V(unlimited).
        - Without systemd the limit of the process that asks.
      type: raw
      sample: 8388608
    driver:
      description: Version of the NVIDIA driver; V(absent) without nvidia-smi, V(failing) where it finds no GPU.
      type: str
      sample: 580.95.05
    driver_error:
      description: What nvidia-smi said when it failed, else null.
      type: str
    cuda:
      description: Newest CUDA that the driver takes.
      type: str
      sample: "13.0"
    gpus:
      description:
        - One item a GPU, as M(vllm.cluster.gpu_topology) returns it.
        - Each process has besides its unit of systemd, or null. For a process in a container that is called vllm-* that
          is the container's name with C(.service).
      type: list
      elements: dict
    links:
      description: One item a pair of GPUs whose link is known, with gpus, type and count.
      type: list
      elements: dict
      sample: [{gpus: [0, 1], type: NV, count: 18}]
    nics:
      description: One item a NIC of the link matrix, with name, device and links.
      type: list
      elements: dict
    nvlink_groups:
      description: GPUs that NVLinks join, directly or over others.
      type: list
      elements: list
    cliques:
      description: Largest sets of GPUs in which every pair is joined by NVLinks.
      type: list
      elements: list
    gpu_warnings:
      description: What nvidia-smi prints and cannot be trusted.
      type: list
      elements: str
    gpu_diagnosis:
      description:
        - What is wrong with nvidia-smi, the driver or a GPU, each with id, message, fix, evidence and gpu.
        - Empty on a host without NVIDIA's hardware and tools.
      type: list
      elements: dict
    pci_gpus:
      description: PCI addresses of NVIDIA's display controllers. They are seen without a driver.
      type: list
      elements: str
    peermem:
      description: Whether the kernel module for RDMA of GPU memory is loaded; null without GPUs.
      type: bool
    interfaces:
      description: One item a network interface.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        addresses:
          description: Addresses with prefix length; null where no tool tells them.
          type: list
          elements: str
          sample: [10.9.0.1/24]
        mac:
          description: Hardware address, of 20 octets for InfiniBand.
          type: str
        mtu:
          description: Largest packet in bytes.
          type: int
        state:
          description: Operational state, V(up), V(down) or V(unknown).
          type: str
        carrier:
          description: Whether there is a signal; null for an interface that is switched off.
          type: bool
        speed_mbits:
          description: Megabits a second.
          type: int
        kind:
          description: V(physical), V(bond), V(team), V(vlan), V(bridge), V(loopback) or V(virtual).
          type: str
        type:
          description: V(ethernet), V(infiniband) or V(other).
          type: str
        driver:
          description: Kernel driver.
          type: str
        numa:
          description: NUMA node of its PCI device.
          type: int
        pci:
          description: PCI address.
          type: str
        master:
          description: The bond or bridge that it is part of.
          type: str
        lower:
          description: The interface that a VLAN stands on.
          type: str
        rdma:
          description: RDMA device behind it; for a VLAN or bond that of what is below.
          type: str
    rdma_devices:
      description:
        - One item a port of an RDMA device, with name, port (int), state, physical_state, link_layer, interface, numa.
        - Its rate_gbits is in gigabits a second, and null unless the port is active.
      type: list
      elements: dict
      sample:
        - name: mlx5_0
          port: 1
          state: active
          physical_state: linkup
          link_layer: infiniband
          rate_gbits: 200
          interface: ib0
          numa: 0
    network_warnings:
      description: What the network tools print and cannot be trusted.
      type: list
      elements: str
    routes:
      description: For each of O(peers), the interface and the source address that reach it; null without a route.
      type: dict
      sample: {"10.9.0.2": {interface: ib0, source: 10.9.0.1}}
    listeners:
      description:
        - One item a listening TCP socket, with address, port, process, pid, and unit as in RV(probe.gpus).
        - Unknown owners are null.
      type: list
      elements: dict
    units:
      description:
        - The collection's own units by name, with state and substate as systemd has them, enabled, and the address and
          interface with which a running one was started. Null without systemd.
      type: dict
      sample: {vllm-r1-0.service: {state: active, substate: running, enabled: true, address: 10.9.0.1, interface: ib0}}
    engine_container:
      description: The container engine, with name and version; version is null when its daemon does not answer.
      type: dict
      sample: {name: docker, version: 26.1.4}
    images:
      description: One item a name of an image, with name, id and size_bytes. Null when not asked for or not to be had.
      type: list
      elements: dict
    pythons:
      description: For each of O(pythons), its version; null where it is not there or does not start.
      type: dict
      sample: {/usr/bin/python3: 3.11.2}
    environments:
      description:
        - For each of O(environments), the versions of python, vllm, ray, torch and nccl in it, null for what it lacks.
        - Null where there is no environment.
      type: dict
    paths:
      description:
        - For each of O(paths), whether it exists, is a directory, and holds a model (config.json).
        - Its free_bytes and filesystem (type) are those of the nearest directory above it that exists.
        - Its origin is the same on two hosts where the path is one folder for both, and null where that cannot be told.
        - Its facts, for a model, are the texts config and quantization (of hf_quant_config.json, or null), tensor_bytes
          (null unless all weights are there), and problems, each with file, rule and fix.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.containers import Docker
from ansible_collections.vllm.cluster.plugins.module_utils.probes.files import Files
from ansible_collections.vllm.cluster.plugins.module_utils.probes.hardware import memlock, read_machine
from ansible_collections.vllm.cluster.plugins.module_utils.probes.interfaces import read_interfaces
from ansible_collections.vllm.cluster.plugins.module_utils.probes.nvidia import read_gpus
from ansible_collections.vllm.cluster.plugins.module_utils.probes.own_units import read_units
from ansible_collections.vllm.cluster.plugins.module_utils.probes.processes import Units
from ansible_collections.vllm.cluster.plugins.module_utils.probes.rdma import read_ports
from ansible_collections.vllm.cluster.plugins.module_utils.probes.routes import check_peers, read_routes
from ansible_collections.vllm.cluster.plugins.module_utils.probes.sockets import read_listeners
from ansible_collections.vllm.cluster.plugins.module_utils.probes.software import read_environment, read_pythons
from ansible_collections.vllm.cluster.plugins.module_utils.probes.storage import read_path


def _probe(params, files, commands):
    docker = Docker(commands)
    units = Units(files, docker.containers)
    ports = read_ports(files)
    network = read_interfaces(files, commands, ports)
    gpus = read_gpus(files, commands)
    for gpu in gpus["gpus"]:
        for process in gpu["processes"]:
            process["unit"] = units.of(process["pid"])
    return {
        **read_machine(files),
        "memlock": memlock(files, commands),
        **gpus,
        "interfaces": [interface.as_dict() for interface in network.interfaces],
        "rdma_devices": [port.as_dict() for port in ports],
        "network_warnings": network.warnings,
        "routes": read_routes(params["peers"], commands),
        "listeners": read_listeners(files, units.of),
        "units": read_units(files, commands),
        "engine_container": docker.engine(),
        "images": docker.images() if params["images"] else None,
        "pythons": read_pythons(params["pythons"], commands),
        "environments": {path: read_environment(path, files) for path in params["environments"]},
        "paths": {path: read_path(path, files) for path in params["paths"]},
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "environments": {"type": "list", "elements": "path", "default": []},
            "pythons": {"type": "list", "elements": "str", "default": []},
            "peers": {"type": "list", "elements": "str", "default": []},
            "images": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    try:
        check_peers(module.params["peers"])
    except ValueError as error:
        module.fail_json(msg=f"peers: {error}")
    commands = Commands(module, module.params["timeout"])
    module.exit_json(changed=False, probe=_probe(module.params, Files(), commands))


if __name__ == "__main__":
    main()
