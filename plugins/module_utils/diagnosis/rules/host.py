# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of the host: memory, GPUs, driver, libraries, files."""

from __future__ import annotations

from .rule import rule

_KV = "lower max_model_len, raise gpu_memory_utilization, or spread the model over more GPUs"
_LESS = "lower max_num_batched_tokens, max_num_seqs or gpu_memory_utilization, or spread the model over more GPUs"
_SHM = "give the container --ipc=host or a larger --shm-size, or enlarge the host's shared memory"
_PLACE = "put it on the host, readable by the unit's user"

RULES = (
    rule(
        "gpu_memory_taken",
        r"Free memory on device .*?\((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup",
        "only {free} of {total} GiB of the GPU are free at the start, less than gpu_memory_utilization asks for",
        "end what holds the GPU (nvidia-smi shows it), or lower gpu_memory_utilization",
        permanent=False,
    ),
    rule(
        "gpu_memory_taken",
        r"Error in memory profiling\. Initial free memory",
        "another process gave GPU memory back while vLLM measured it",
        "end the other processes on this GPU (nvidia-smi shows them)",
        permanent=False,
    ),
    rule(
        "host_memory",
        r"Available memory on node \S+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\)",
        "only {free} of {total} GiB of the host's memory are free, less than the engine asks for",
        "lower gpu_memory_utilization (it rules host memory on a CPU) or kv_cache_memory_bytes, or free memory",
        permanent=False,
    ),
    rule(
        "cuda_out_of_memory",
        r"CUDA out of memory\. Tried to allocate (?P<want>[\d.]+ \w+)\. GPU (?P<gpu>\d+) has a total capacity of"
        r" (?P<total>[\d.]+ \w+) of which (?P<free>[\d.]+ \w+) is free",
        "GPU {gpu} has not enough memory: {want} more are needed and {free} of {total} are free",
        _LESS,
        permanent=False,
    ),
    rule(
        "cuda_out_of_memory",
        r"(?:CUDA|HIP) out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|OutOfMemoryError\b",
        "the GPU has not enough memory",
        _LESS,
        permanent=False,
    ),
    rule(
        "kv_cache_too_small",
        r"To serve at least one request with the models?'?s? max seq len \((?P<len>\d+)\)"
        r".*estimated maximum model length is (?P<fits>\d+)",
        "the KV cache cannot hold one request of max_model_len {len}; it can hold {fits}",
        _KV,
    ),
    rule(
        "kv_cache_too_small",
        r"To serve at least one request with the models?'?s? max seq len \((?P<len>\d+)\)",
        "the KV cache cannot hold one request of max_model_len {len}",
        _KV,
    ),
    rule(
        "kv_cache_too_small",
        r"max seq len \((?P<len>\d+)\) is larger than the maximum number of tokens that can be",
        "the KV cache cannot hold one request of max_model_len {len}",
        _KV,
    ),
    rule(
        "kv_cache_too_small",
        r"No available memory for the cache blocks",
        "the weights leave no memory for the KV cache",
        _KV,
    ),
    rule(
        "shared_memory",
        r"No space left on device.*(?:/dev/shm|psm_)|unable to (?:open|mmap|resize) shared memory",
        "the shared memory of the host or container is too small",
        _SHM,
    ),
    rule(
        "host_memory",
        r"\bMemoryError\b|std::bad_alloc|Cannot allocate memory|can't allocate memory",
        "the host has not enough memory",
        "free memory on the host or take a smaller model",
        permanent=False,
    ),
    rule(
        "driver_too_old",
        r"NVIDIA driver on your system is too old|CUDA driver version is insufficient"
        r"|Error 803: system has unsupported display driver",
        "the NVIDIA driver is too old for this build of PyTorch",
        "install the driver that this vLLM release needs, or take a release built for the installed driver",
    ),
    rule(
        "driver_compatibility",
        r"Error 804: forward compatibility was attempted",
        "CUDA's forward-compatibility libraries are in use on a GPU that does not support them",
        "unset VLLM_ENABLE_CUDA_COMPATIBILITY and take the cuda-compat package off the library path",
    ),
    rule(
        "fabric_manager",
        r"Error 802: system not yet initialized",
        "the GPUs' NVSwitch fabric is not up",
        "start nvidia-fabricmanager, of exactly the driver's version",
        permanent=False,
    ),
    rule(
        "no_gpu",
        r"Found no NVIDIA driver|No CUDA GPUs are available|no CUDA-capable device|Failed to infer device type"
        r"|Device string must not be empty",
        "vLLM finds no GPU that it can use",
        "check nvidia-smi on the host and CUDA_VISIBLE_DEVICES; without a GPU set vllm_accelerator to cpu",
    ),
    rule(
        "gpu_too_old",
        r"no kernel image is available for execution|CUDA capability sm_\d+ is not compatible",
        "this build has no code for this GPU's architecture",
        "take a vLLM release built for this GPU",
    ),
    rule(
        "dtype",
        r"Bfloat16 is only supported on GPUs with compute capability",
        "this GPU has no bfloat16",
        "set dtype to float16 in the service's args",
    ),
    rule(
        "too_few_gpus",
        r"World size \((?P<n>\d+)\) is larger than the number of available GPUs \((?P<m>\d+)\)",
        "the engine needs {n} GPUs and this host has {m}",
        "name more hosts or lower the parallel sizes",
    ),
    rule(
        "kernels_not_loaded",
        r"'_OpNamespace' '\w+' object has no attribute",
        "vLLM's compiled code could not be loaded",
        "install the missing library (libnuma1 for the CPU build), or the build made for this host",
        because=r"Failed to import from vllm\.\w+|cannot open shared object file",
    ),
    rule(
        "library_missing",
        r"(?P<lib>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        "the shared library {lib} is missing",
        "install the package that holds it",
    ),
    rule(
        "glibc_too_old",
        r"version `(?P<v>GLIBC(?:XX)?_[\d.]+)' not found",
        "the host's C library is older than {v}",
        "use a newer distribution, an older release, or the container runtime",
    ),
    rule(
        "python_package",
        r"ModuleNotFoundError: No module named '(?P<name>[^']+)'",
        "the Python module {name} is missing",
        "let the python_env role make the environment again",
    ),
    rule(
        "python_package",
        r"No package metadata was found for (?P<name>\S+)",
        "the Python package {name} is missing",
        "let the python_env role make the environment again",
    ),
    rule(
        "nixl_missing",
        r"NIXL is not available",
        "the connector needs NIXL, which is not installed",
        "add nixl to the environment's packages",
    ),
    rule(
        "compiler_missing",
        r"InvalidCxxCompiler|No working C\+\+ compiler|Failed to find C compiler",
        "torch.compile needs a C++ compiler and the host has none",
        "install g++, or set enforce_eager and TORCHDYNAMO_DISABLE=1",
    ),
    rule(
        "disk_full",
        r"\[Errno 28\]|No space left on device",
        "the disk is full",
        "free space on the host",
        permanent=False,
    ),
    rule(
        "permission_denied",
        r"\[Errno 13\] Permission denied:? '(?P<path>[^']+)'",
        "the unit's user may not use {path}",
        "give the unit's user that right, or run the unit as another user",
    ),
    rule(
        "permission_denied",
        r"\[Errno 13\]|Permission denied \(os error 13\)",
        "the unit's user lacks a right (to a file, or to a port below 1024)",
        "see the lines before it for which; give the right or change the port",
    ),
    rule(
        "file_missing",
        r"FileNotFoundError: .*No such file or directory: '?(?P<path>/[^']+)'?",
        "the file {path} does not exist or may not be read",
        _PLACE,
    ),
    rule(
        "file_missing",
        r"FileNotFoundError: \[Errno 2\] No such file or directory$",
        "a file named in its arguments does not exist (with TLS: ssl_keyfile, ssl_certfile)",
        _PLACE,
    ),
)
