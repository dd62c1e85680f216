#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read how a host's GPUs are linked, and which of them belong together."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_topology
short_description: Read how GPUs are linked, from a host or from a pasted dump
version_added: 0.1.0
author:
  - The vllm.cluster authors (@vllm-cluster)
description:
  - Reads GPUs, their links to each other and to NICs, and recommends the GPUs for tensor-parallel groups.
  - Without a source it runs C(nvidia-smi -q -x), C(nvidia-smi topo -m), C(nvidia-smi --query-gpu) and
    C(nvidia-smi nvlink -s) on the host.
  - With a source it reads what somebody pasted or saved, in any state - tabs or blanks, terminal escapes, log prefixes,
    lost columns, rows and blanks.
  - What the text does not tell, or tells twice in different ways, is a warning and never a guess.
  - A failing C(nvidia-smi) does not fail the task; RV(diagnosis) says what is wrong and what to do.
options:
  source_text:
    description:
      - Output of C(nvidia-smi topo -m), as text. Output of plain C(nvidia-smi), C(-L), C(-q), C(-q -x), C(nvlink) and
        C(--query-gpu) in CSV, and error messages are understood too, alone or together.
    type: str
  source_file:
    description: A file on the target with such output.
    type: path
  timeout:
    description: Seconds that any one command may take.
    type: int
    default: 20
extends_documentation_fragment:
  - vllm.cluster.read_only
seealso:
  - module: vllm.cluster.host_probe
"""

EXAMPLES = r"""
- name: Read the topology of a host
  vllm.cluster.gpu_topology:
  register: topology

- name: Say what is wrong with its driver
  ansible.builtin.assert:
    that: topology.diagnosis | length == 0
    fail_msg: "{{ topology.diagnosis | map(attribute='message') | join(' ') }}"

- name: Show the best pair of GPUs
  ansible.builtin.debug:
    msg: "{{ topology.groups_by_size['2'][0].gpus }}"

- name: Read a dump of another machine
  vllm.cluster.gpu_topology:
    source_text: "{{ lookup('ansible.builtin.file', 'node7-topo.txt') }}"
  delegate_to: localhost
  register: dump

- name: Take it only where nothing in it is in doubt
  ansible.builtin.assert:
    that: dump.warnings | default([]) | length == 0
"""

RETURN = r"""
gpu_count:
  description: GPUs of the link matrix, or of the other outputs where there is no matrix. Zero where no GPU is usable.
  returned: always
  type: int
  sample: 8
nic_count:
  description: NICs of the link matrix.
  returned: always
  type: int
  sample: 2
gpus:
  description: One item a GPU, by index. What the outputs do not tell is null.
  returned: always
  type: list
  elements: dict
  contains:
    index:
      description: Index as nvidia-smi counts.
      type: int
    name:
      description: Product name.
      type: str
    uuid:
      description: UUID.
      type: str
    bus_id:
      description: PCI address.
      type: str
    memory_bytes:
      description: Memory, with memory_used_bytes and memory_free_bytes beside it.
      type: int
    compute_capability:
      description: Such as V(9.0).
      type: str
    driver:
      description: Version of the driver; cuda beside it is the newest CUDA that it takes.
      type: str
    compute_mode:
      description: V(Default), V(Exclusive_Process) or V(Prohibited).
      type: str
    mig:
      description: Whether MIG mode is on; mig_devices beside it lists the slices. Likewise ecc and persistence.
      type: bool
    fabric_state:
      description: State of the NVSwitch fabric; fabric_status beside it.
      type: str
    recovery_action:
      description: What the driver asks for to recover the GPU, V(None) for nothing.
      type: str
    processes:
      description: What runs on it, with pid, name, kind and memory_bytes.
      type: list
      elements: dict
    problems:
      description: Troubles that nvidia-smi prints in place of values.
      type: list
      elements: str
    cpu_affinity:
      description: Processors near the GPU, as printed.
      type: str
    numa:
      description: NUMA nodes near the GPU.
      type: list
      elements: int
    gpu_numa:
      description: NUMA node of the GPU's own memory.
      type: int
    nics:
      description: The nearest NICs.
      type: list
      elements: str
    nvlink:
      description: State, active, count and gbytes_per_s (one direction) of its NVLinks, from C(nvidia-smi nvlink).
      type: dict
nics:
  description: One item a NIC.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name in the matrix.
      type: str
      sample: NIC0
    device:
      description: RDMA device that the name stands for, null where the legend is missing.
      type: str
      sample: mlx5_0
    links:
      description: Its links to GPUs, each with gpu, type and count as in RV(links).
      type: list
      elements: dict
links:
  description: One item a pair of GPUs whose link is known.
  returned: always
  type: list
  elements: dict
  contains:
    gpus:
      description: The two indexes, the lower first.
      type: list
      elements: int
      sample: [0, 1]
    type:
      description: V(NV), V(PIX), V(PXB), V(PHB), V(NODE), V(SYS), or the name that the driver prints.
      type: str
      sample: NV
    count:
      description: Number of NVLinks, else zero.
      type: int
      sample: 18
nvlink_groups:
  description: GPUs that NVLinks join, directly or over others. Groups of two or more.
  returned: always
  type: list
  elements: list
  sample: [[0, 1, 2, 3], [4, 5, 6, 7]]
cliques:
  description: Largest sets of GPUs in which every pair is joined by NVLinks, the largest set first.
  returned: always
  type: list
  elements: list
  sample: [[0, 1, 2, 3], [4, 5, 6, 7]]
groups_by_size:
  description:
    - For the tensor-parallel sizes 1, 2, 4 and 8, disjoint groups of GPUs, the best first.
    - Each group is the best that the ones before it leave. No group crosses a farther link while a nearer group exists.
  returned: always
  type: dict
  sample: {"2": [{"gpus": [0, 1], "type": "NV", "count": 12, "nvlinked": true, "nic": "mlx5_0", "nics": ["mlx5_0"]}]}
warnings:
  description: What could not be trusted. Ansible shows each as a warning of the task, too.
  returned: when there are any
  type: list
  elements: str
diagnosis:
  description: What is wrong with nvidia-smi, the driver or a GPU. Empty where nothing is.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Stable name.
      type: str
      sample: nvml_version_mismatch
    message:
      description: What is wrong.
      type: str
    fix:
      description: What to do.
      type: str
    evidence:
      description: The line that says so.
      type: str
    gpu:
      description: PCI address of the GPU that it is about, or null.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.probes.commands import Commands
from ansible_collections.vllm.cluster.plugins.module_utils.probes.nvidia import NO_PROGRAM, outputs
from ansible_collections.vllm.cluster.plugins.module_utils.topology.report import read_report


def _file(module, path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError as error:
        module.fail_json(msg=f"cannot read {path}: {error.strerror}")


def main():
    module = AnsibleModule(
        argument_spec={
            "source_text": {"type": "str"},
            "source_file": {"type": "path"},
            "timeout": {"type": "int", "default": 20},
        },
        mutually_exclusive=[("source_text", "source_file")],
        supports_check_mode=True,
    )
    if module.params["source_text"] is not None:
        texts = [(module.params["source_text"], None)]
    elif module.params["source_file"] is not None:
        texts = [(_file(module, module.params["source_file"]), None)]
    else:
        texts = outputs(Commands(module, module.params["timeout"])) or [NO_PROGRAM]
    report = read_report(*texts)
    for warning in report.pop("warnings"):
        module.warn(warning)
    module.exit_json(changed=False, **report)


if __name__ == "__main__":
    main()
