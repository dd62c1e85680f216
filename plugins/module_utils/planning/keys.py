# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key that intent may hold, with its default: the one place where they are told."""

from __future__ import annotations

from ..releases import packages
from ..router.settings import POLICIES
from .schema import Key

_ABSOLUTE = r"/[^\x00-\x1f]*"
#: Of a hub: a commit, branch or tag.
REVISION = r"[\w.][\w./-]*"
_NAME = r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?"

#: Variables of the whole fleet.
FLEET: dict[str, Key] = {
    "vllm_services": Key("list", "a list of services, each with at least model and hosts", required=True),
    "vllm_version": Key("str", "the vLLM release of every service that names none", default=packages.DEFAULT_VLLM),
    "vllm_ray_version": Key("str", f"the Ray that environments hold; default: {packages.DEFAULT_RAY}, or what fits"),
    "vllm_runtime": Key("str", "env (Python environment) or container", default="env", choices=("env", "container")),
    "vllm_accelerator": Key(
        "str", "auto takes cuda where the host has GPUs", default="auto", choices=("auto", "cuda", "cpu")
    ),
    "vllm_port_base": Key("int", "the first port given to services that name none", default=8000, low=1, high=65535),
    "vllm_install_dir": Key("str", "where environments are made", default="/opt/vllm", pattern=_ABSOLUTE),
    "vllm_state_dir": Key("str", "home of the service user; caches", default="/var/lib/vllm", pattern=_ABSOLUTE),
    "vllm_model_dir": Key(
        "str", "where generated and downloaded models go", default="/var/lib/vllm/models", pattern=_ABSOLUTE
    ),
    "vllm_model_exclude": Key(
        "list",
        "patterns of files that are not downloaded; default: what other programs load (docs/models.md)",
        elements="str",
    ),
    "vllm_downloads": Key(
        "list",
        "further models and datasets for the hosts, each with at least source and path",
        default=(),
        elements="dict",
    ),
    "vllm_user": Key("str", "the system user that engines run as", default="vllm", pattern=r"[a-z_][a-z0-9_-]{0,31}"),
    "vllm_python": Key(
        "str", "the interpreter environments are made from", default="/usr/bin/python3", pattern=_ABSOLUTE
    ),
    "vllm_env_manager": Key(
        "str",
        "who makes engines' environments: uv, from vllm_python, or conda",
        default="uv",
        choices=("uv", "conda"),
    ),
    "vllm_python_version": Key(
        "str", "the Python that conda, or uv with vllm_python_mirror, brings; default: of conda 3.12"
    ),
    "vllm_python_mirror": Key("str", "where uv gets Pythons from; empty: it never does", secret=True),
    "vllm_conda_path": Key("str", "a conda of the hosts, instead of one installed there"),
    "vllm_conda_installers": Key(
        "list", "addresses or files of one installer of conda, tried in turn", default=(), elements="str", secret=True
    ),
    "vllm_conda_checksum": Key("str", "its sha256", pattern=r"([0-9a-f]{64})?"),
    "vllm_conda_packages": Key(
        "list", "conda's packages besides Python, such as sqlite=3.50.4", default=(), elements="str"
    ),
    "vllm_env_packages": Key("list", "further requirement lines of environments", default=(), elements="str"),
    "vllm_python_index_url": Key("str", "package index instead of the default one", secret=True),
    "vllm_python_extra_index_urls": Key(
        "list", "package indexes that are asked before it", default=(), elements="str", secret=True
    ),
    "vllm_image": Key("str", "the image of the container runtime; default: the project's image of the release"),
    "vllm_lock": Key("str or dict", "a lock on the controller: exactly what it holds is deployed (docs/images.md)"),
    "vllm_image_mirror": Key(
        "str",
        "a registry that stands for Docker Hub, host[:port][/folder]",
        pattern=r"[A-Za-z0-9.\[\]:-]+(/[a-z0-9._/-]+)?",
    ),
    "vllm_image_archive": Key(
        "str", "a file on the hosts that docker save wrote: images come from it and no registry", pattern=_ABSOLUTE
    ),
    "vllm_volumes": Key("list", "source:target[:options] mounts of the container runtime", default=(), elements="str"),
    "vllm_container_sys_ptrace": Key("bool", "adds SYS_PTRACE to containers, for py-spy and gdb", default=False),
    "vllm_container_privileged": Key("bool", "consent to --privileged containers", default=False),
    "vllm_start_timeout": Key("int", "seconds an engine may take to its first token", default=900, low=10, high=86400),
    "vllm_hub_endpoint": Key(
        "str",
        "the hub that config.json of hub models is read from when planning; empty: none",
        default="https://huggingface.co",
    ),
    "vllm_client_networks": Key(
        "list", "networks that may call the services, such as 10.0.0.0/8; empty: everyone", default=(), elements="str"
    ),
    "vllm_monitoring_networks": Key(
        "list", "networks that may read metrics: Ray's, and the services' where clients are named", (), elements="str"
    ),
    "vllm_fence_kernel_ports": Key(
        "bool", "closes the ports that the kernel chooses on hosts of engines of several hosts", default=True
    ),
    "vllm_fence_open_ports": Key("list", "ports that the fence never closes", default=(), elements="int"),
    "vllm_accept_advisories": Key(
        "list", "ids of security advisories that are known and accepted here", default=(), elements="str"
    ),
}

#: Keys of an item of vllm_downloads.
DOWNLOAD: dict[str, Key] = {
    "source": Key("str", "where it comes from, as a service's model", required=True),
    "path": Key("str", "its directory on the hosts", required=True, pattern=_ABSOLUTE),
    "hosts": Key("str or list", "an inventory pattern of hosts of the services; default: all of them", elements="str"),
    "dataset": Key("bool", "whether it is a dataset of a hub, and no model", default=False),
    "revision": Key("str", "the hub revision, best a commit hash", pattern=REVISION),
    "include": Key("list", "patterns of files to bring; empty: all", default=(), elements="str"),
    "exclude": Key("list", "patterns of files to leave out", default=(), elements="str"),
}

#: Keys of an item of vllm_services.
SERVICE: dict[str, Key] = {
    "name": Key("str", "small letters, digits and -, at most 48", pattern=_NAME),
    "model": Key("str", "a hub id or another source, an absolute path on the hosts, or lab://tiny", required=True),
    "model_config": Key("str", "a config.json on the controller, or its directory: plans before the model is there"),
    "model_include": Key("list", "patterns of the model's files to download; empty: all", default=(), elements="str"),
    "model_exclude": Key("list", "patterns to leave out; default: vllm_model_exclude", elements="str"),
    "revision": Key("str", "the hub revision, best a commit hash", pattern=REVISION),
    "hosts": Key("str or list", "an inventory pattern: host, group, or several", required=True, elements="str"),
    "replicas": Key("int", "how many engines serve this model", low=1, high=4096),
    "served_model_name": Key(
        "str",
        "the name clients put into requests; no blanks, no dash in front",
        pattern=r"[^\s\x00-\x1f-][^\s\x00-\x1f]*",
    ),
    "port": Key("int", "the port clients call", low=1, high=65535),
    "listen": Key("str", "the address the port is opened on", default="0.0.0.0"),
    "gpus": Key("int", "GPUs of one engine", low=1, high=65536),
    "concurrency": Key("int", "requests of full length that must fit at once", default=1, low=1, high=65536),
    "devices": Key("list", "the GPU indexes of the service's one engine, on each of its hosts", elements="int"),
    "parallel": Key("str or dict", "auto, or sizes such as {tensor: 2}", default="auto"),
    "ports": Key("dict", "fixed internal ports, such as {ray: 6379}", default={}),
    "interface": Key(
        "str or dict", "the network interface of engines of several hosts: a name, a network, or host: name"
    ),
    "executor": Key("str", "how the ranks of an engine are run", default="auto", choices=("auto", "mp", "ray")),
    "balancing": Key(
        "str",
        "who spreads requests over copies (parallel.data): the head, each host for its own, or who calls",
        default="internal",
        choices=("internal", "hybrid", "external"),
    ),
    "version": Key("str", "the vLLM release of this service"),
    "runtime": Key("str", "env or container", choices=("env", "container")),
    "accelerator": Key("str", "auto, cuda or cpu", choices=("auto", "cuda", "cpu")),
    "env_manager": Key("str", "uv or conda", choices=("uv", "conda")),
    "image": Key("str", "the image of this service's containers"),
    "args": Key("dict", "options of vllm serve, such as {max_model_len: 32768}", default={}),
    "env": Key("dict", "environment variables of the engines", default={}),
    "api_key": Key("str", "the key clients must send; best from Ansible Vault", secret=True),
    "secrets": Key("dict", "environment variables that must stay secret, such as HF_TOKEN", default={}, secret=True),
    "start_timeout": Key("int", "seconds an engine may take to its first token", low=10, high=86400),
    "prefill": Key("dict", "the engines that read prompts, such as {hosts: gpu1, replicas: 2}"),
    "decode": Key("dict", "the engines that make the answers' tokens"),
    "kv_transfer": Key("dict", "how engines pass one another KV cache, such as {connector: nixl}"),
    "router": Key("dict", "the front door of the service's engines, such as {host: gpu1}"),
}

#: Keys of a service that prefill and decode may have too, each side its own.
SIDE: dict[str, Key] = {
    name: SERVICE[name]
    for name in (
        *("hosts", "replicas", "gpus", "devices", "concurrency", "parallel", "ports", "interface", "executor"),
        *("args", "env", "image", "start_timeout"),
    )
}

#: Keys of kv_transfer, and of each item of its connectors.
KV_TRANSFER: dict[str, Key] = {
    "connector": Key("str", "auto, a short name (docs/disaggregation.md), or vLLM's own name", default="auto"),
    "connectors": Key("list", "of multi: what it joins, each with keys of kv_transfer, in order", elements="dict"),
    "path": Key("str", "of shared_storage: a folder that all members share", pattern=_ABSOLUTE),
    "memory_gib": Key(
        "int", "host memory for KV cache: of offloading an engine's, of stores a rank's", low=1, high=65536
    ),
    "protocol": Key("str", "of mooncake: how bytes move", choices=("rdma", "tcp")),
    "on_failure": Key("str", "what a request whose KV cache is lost becomes", choices=("fail", "recompute")),
    "server_host": Key("str", "the host of lmcache's or mooncake_store's server; default: the first engine's"),
    "module_path": Key("str", "the Python module of a connector that is not vLLM's own", pattern=r"[A-Za-z_][\w.]*"),
    "extra": Key("dict", "further keys of kv_connector_extra_config", default={}),
    "testing": Key("bool", "consent to a connector that is made for debugging alone", default=False),
}

#: Keys of router.
ROUTER: dict[str, Key] = {
    "enabled": Key("bool", "default: where a service has several engines"),
    "host": Key("str", "an inventory pattern of one host; default: the first of the service"),
    "port": Key("int", "the port clients call; default: the service's", low=1, high=65535),
    "policy": Key("str", "which engine takes a request", default="cache_aware", choices=POLICIES),
    "prefill_policy": Key("str", "the policy among prefill engines; default: policy", choices=POLICIES),
    "decode_policy": Key("str", "the policy among decode engines; default: policy", choices=POLICIES),
    "tls": Key("dict", "{certificate: /path, key: /path}: PEM files on the router's host"),
    "api_keys": Key("dict", "name: key of each client; default: api_key alone", default={}, secret=True),
    "paths": Key("list", "what clients may call; / at the end stands for all below", elements="str"),
    "networks": Key("list", "from where the door's metrics and workers can be read", default=(), elements="str"),
    "limits": Key("dict", "what a client cannot exceed, such as {body_bytes: 1048576}", default={}),
    "timeouts": Key("dict", "seconds, such as {answer: 900}", default={}),
    "fallback": Key("bool", "decode engines answer alone where no prefill engine can", default=True),
    "processes": Key("int", "worker processes of nginx", default=2, low=1, high=256),
}

#: Keys of router.tls.
TLS: dict[str, Key] = {
    "certificate": Key("str", "the certificate with its chain", required=True, pattern=_ABSOLUTE),
    "key": Key("str", "its private key", required=True, pattern=_ABSOLUTE),
}

#: Sizes of parallel.
PARALLEL: dict[str, Key] = {
    "tensor": Key("int", "tensor parallel size", low=1, high=1024),
    "pipeline": Key("int", "pipeline parallel size", low=1, high=1024),
    "data": Key("int", "data parallel size", low=1, high=1024),
    "decode_context": Key("int", "decode context parallel size; divides tensor", low=1, high=1024),
    "expert": Key("bool", "expert parallel"),
}

#: Keys of ports; the allocator gives the rest (ports.py).
PORTS: dict[str, Key] = {
    name: Key("int", about, low=1, high=65535)
    for name, about in (
        ("ray", "Ray's head (GCS)"),
        ("ray_client", "Ray's client server on the head"),
        ("ray_dashboard", "Ray's dashboard, on loopback"),
        ("guard", "where the members' guards find the head's"),
        ("rendezvous", "where the ranks of several hosts meet (--master-port)"),
        ("data_parallel", "the data-parallel coordinator (--data-parallel-rpc-port)"),
    )
}

#: Options of vllm serve that no plan of this release can hold, and why.
UNPLANNED_ARGS: dict[str, str] = {
    "prefill-context-parallel-size": "multiplies the ranks, and this release of vllm.cluster plans no prefill context "
    "parallelism",
}

#: Options of vllm serve that the plan owns, and what to set instead.
OWNED_ARGS: dict[str, str] = {
    "model": "model",
    "host": "listen",
    "port": "port",
    "uds": "listen and port",
    "served-model-name": "served_model_name",
    "revision": "revision",
    "api-key": "api_key",
    "hf-token": "secrets.HF_TOKEN",
    "tensor-parallel-size": "parallel.tensor",
    "pipeline-parallel-size": "parallel.pipeline",
    "data-parallel-size": "parallel.data",
    "data-parallel-size-local": "parallel.data",
    "data-parallel-rank": "parallel.data",
    "data-parallel-start-rank": "parallel.data",
    "data-parallel-address": "interface",
    "data-parallel-rpc-port": "ports.data_parallel",
    "data-parallel-backend": "executor",
    "data-parallel-external-lb": "balancing",
    "data-parallel-hybrid-lb": "balancing",
    "data-parallel-multi-port-external-lb": "balancing",
    "data-parallel-supervisor-port": "balancing",
    "decode-context-parallel-size": "parallel.decode_context",
    "enable-expert-parallel": "parallel.expert",
    "distributed-executor-backend": "executor",
    "device-ids": "devices",
    "headless": "hosts",
    "nnodes": "hosts",
    "node-rank": "hosts",
    "master-addr": "interface",
    "master-port": "ports.rendezvous",
    "config": "args",
}
