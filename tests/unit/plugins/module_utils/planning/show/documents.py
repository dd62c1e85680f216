# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as the planner makes them (docs/plan.md), small and large, to be shown."""

from __future__ import annotations

GIB = 2**30
H100 = "NVIDIA H100 80GB HBM3"
GPU_BYTES = 85520809984
KEYS = ("tensor", "pipeline", "data", "decode_context")


def member(host, name, devices, api, **changes):
    return {
        "host": host,
        "unit": f"vllm-{name}.service",
        "devices": list(devices),
        "gpu": H100 if devices else None,
        "link": {"type": "NV", "count": 18, "nvlinked": True} if len(devices) > 1 else None,
        "nic": "mlx5_0" if devices else None,
        "interface": None,
        "ports": {"api": api},
        **changes,
    }


def memory(members, stages, requests=9.2, at_least=None, length=32768, weights_total=60 * GIB):
    """stages: (weights, overhead, kv) in GiB; the members are spread over them evenly."""
    gpus = [{"host": item["host"], "index": index} for item in members for index in item["devices"]]
    for place, gpu in enumerate(gpus):
        gpu["stage"] = place * len(stages) // len(gpus)
    return {
        "gpu_bytes": GPU_BYTES,
        "utilization": 0.92,
        "budget": int(GPU_BYTES * 0.92),
        "max_model_len": length,
        "requests": requests,
        "requests_at_least": requests if at_least is None else at_least,
        "bounded": at_least is not None,
        "tokens": None if requests is None else int(requests * length),
        "kv_bytes_per_token": 131072,
        "stages": [
            {
                "stage": place,
                "weights": int(weights * GIB),
                "overhead": int(overhead * GIB),
                "kv": int(kv * GIB),
                "free": GPU_BYTES - int(weights * GIB) - int(overhead * GIB) - int(kv * GIB),
            }
            for place, (weights, overhead, kv) in enumerate(stages)
        ],
        "gpus": gpus,
        "weights_total": weights_total,
    }


def engine(service, index, members, **changes):
    ranks = sum(len(item["devices"]) for item in members) or len(members)
    return {
        "name": f"{service}-{index}",
        "service": service,
        "path": "vllm_services[0]",
        "kind": "serve",
        "accelerator": "cuda" if members[0]["devices"] else "cpu",
        "executor": "uni" if ranks == 1 else "mp",
        "version": "0.33.0",
        "parallel": {**dict.fromkeys(KEYS, 1), "tensor": ranks, "expert": False},
        "world_size": ranks,
        "members": members,
        "memory": None,
        "why_unknown": None,
        **changes,
    }


def service(name, model, engines, urls, place=0, **changes):
    return {
        "name": name,
        "path": f"vllm_services[{place}]",
        "model": model,
        "version": "0.33.0",
        "served_model_name": name,
        "max_model_len": None,
        "engines": [item["name"] for item in engines],
        "endpoints": [
            {"host": item["members"][0]["host"], "unit": item["members"][0]["unit"], "url": url}
            for item, url in zip(engines, urls)
        ],
        "api_key": f"{name}.api_key",
        "router": None,
        "kv_transfer": None,
        "model_summary": {
            "parameters": 32763876352,
            "weight_bytes": 65527752704,
            "quantization": None,
            "kind": "dense",
            "context": 32768,
        },
        **changes,
    }


def unit(service_name, engine_name, member_, words, secrets=None):
    program = "/opt/vllm/envs/vllm-0.33.0-cuda/bin/vllm"
    return {
        "name": member_["unit"],
        "description": f"vLLM engine {engine_name}",
        "kind": "engine",
        "service": service_name,
        "engine": engine_name,
        "runtime": "env",
        "exec": [program, "serve", *words],
        "environment": {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ",".join(map(str, member_["devices"]))},
        "secrets": secrets or {},
        "ports": member_["ports"],
        "devices": member_["devices"],
        "health_url": "http://127.0.0.1:8000",
    }


def plan(services, engines, addresses, decisions=(), warnings=(), words=(), gpus=0):
    """The document; each member has one unit, whose command line is the model, its rank and its port."""
    models = {item["name"]: item for item in services}
    hosts = {
        host: {
            "address": address,
            "gpus": list(range(gpus)),
            "environments": [],
            "models": [],
            "network": {"names": [], "fence": [], "never_closed": [22]},
            "units": [],
        }
        for host, address in addresses.items()
    }
    for item in engines:
        owner = models[item["service"]]
        item["path"] = owner["path"]
        for rank, one in enumerate(item["members"]):
            line = [owner["model"], "--port", str(one["ports"]["api"]), "--tensor-parallel-size"]
            line.append(str(item["parallel"]["tensor"]))
            if len(item["members"]) > 1:
                line += ["--nnodes", str(len(item["members"])), "--node-rank", str(rank)]
                line += ["--headless"] if rank else []
            secrets = {"VLLM_API_KEY": owner["api_key"]} if owner["api_key"] else {}
            hosts[one["host"]]["units"].append(unit(owner["name"], item["name"], one, [*line, *words], secrets))
    return {
        "schema_version": 2,
        "services": services,
        "engines": engines,
        "hosts": hosts,
        "decisions": list(decisions),
        "warnings": list(warnings),
    }


def decided(path, value, why):
    return {"path": path, "value": value, "why": why}


def warned(path, message, fix):
    return {"id": "some-rule", "path": path, "message": message, "fix": fix}


def one_host():
    """8 GPUs: two replicas of four GPUs less one pair, and a small model that nothing is known of."""
    qwen = []
    for index, devices in enumerate(([0, 1], [2, 3])):
        members = [member("gpu1", f"qwen-{index}", devices, 8000 + index)]
        found = memory(members, [(30.6, 4.2, 38.4)], requests=9.6)
        qwen.append(engine("qwen", index, members, memory=found))
    why = "the model's config.json could not be read"
    coder = [engine("coder", 0, [member("gpu1", "coder-0", [4], 8100)], why_unknown=why)]
    services = [
        service("qwen", "Qwen/Qwen2.5-32B-Instruct", qwen, ["http://192.0.2.11:8000", "http://192.0.2.11:8001"]),
        service("coder", "/data/models/coder", coder, ["http://127.0.0.1:8100"], 1, api_key=None, model_summary=None),
    ]
    decisions = [
        decided("vllm_services[0].parallel.tensor", 2, "40 heads; the fewest GPUs that hold the model are 2"),
        decided("vllm_services[0].executor", "mp", "one host"),
        decided("vllm_services[0].port", 8000, "first free port from vllm_port_base"),
        decided("vllm_services[0].port", 8001, "first free port from vllm_port_base"),
        decided("vllm_services[0].devices", [0, 1], "joined by NV18"),
    ]
    warnings = [
        warned(
            "vllm_services[1].model",
            why + ": whether it fits is not known",
            "give model_config, or let the controller reach the hub",
        ),
        warned("vllm_service_port", "no such variable; vllm_services is one", "correct the name, or remove it"),
    ]
    return plan(services, [*qwen, *coder], {"gpu1": "192.0.2.11"}, decisions, warnings)


def two_hosts():
    """One engine over two hosts of 8 GPUs each, a pipeline stage on each."""
    members = [
        member(
            f"gpu{place}",
            "r1-0",
            range(8),
            8000,
            interface={"name": "ib0", "address": f"10.9.0.{place}", "rdma": "mlx5_0", "speed_mbits": 400000},
            ports={"api": 8000, "rendezvous": 29501, "workers": [29600, 29615]},
        )
        for place in (1, 2)
    ]
    sizes = {**dict.fromkeys(KEYS, 1), "tensor": 8, "pipeline": 2, "expert": True}
    found = memory(
        members, [(39.1, 4.2, 29.5), (41.3, 4.2, 27.3)], requests=21.4, at_least=9.2, weights_total=641 * GIB
    )
    r1 = [engine("r1", 0, members, parallel=sizes, memory=found)]
    facts = {
        "parameters": 671026419200,
        "weight_bytes": 688586727753,
        "quantization": "fp8",
        "kind": "moe",
        "context": 163840,
    }
    services = [
        service(
            "r1",
            "deepseek-ai/DeepSeek-R1",
            r1,
            ["http://192.0.2.21:8000"],
            model_summary=facts,
            max_model_len=32768,
        )
    ]
    decisions = [
        decided("vllm_services[0].executor", "mp", "vLLM 0.33 starts the ranks of several hosts itself"),
        decided("vllm_services[0].parallel.tensor", 8, "128 heads, 8 GPUs joined by NV18"),
        decided("vllm_services[0].parallel.pipeline", 2, "two hosts: 641 GiB of weights do not fit on one"),
        decided("vllm_services[0].parallel.expert", True, "a mixture of experts: whole experts move less between GPUs"),
        decided("vllm_services[0].interface", "ib0", "the fastest network that gpu1 and gpu2 share, with RDMA"),
    ]
    return plan(services, r1, {"gpu1": "192.0.2.21", "gpu2": "192.0.2.22"}, decisions)


def cpus():
    """Two hosts without GPUs, two ranks of one engine."""
    members = [
        member(
            f"demo{place}",
            "demo-0",
            [],
            8000,
            interface={"name": "eth0", "address": f"10.77.0.1{place}", "rdma": None, "speed_mbits": 10000},
        )
        for place in (1, 2)
    ]
    sizes = {**dict.fromkeys(KEYS, 1), "pipeline": 2, "expert": False}
    why = "a CPU engine takes what VLLM_CPU_KVCACHE_SPACE says"
    demo = [engine("demo", 0, members, executor="ray", parallel=sizes, why_unknown=why)]
    facts = {"parameters": 1200000, "weight_bytes": 2400000, "quantization": None, "kind": "dense", "context": 1024}
    services = [service("demo", "lab://tiny", demo, ["http://10.77.0.11:8000"], model_summary=facts)]
    return plan(services, demo, {"demo1": "10.77.0.11", "demo2": "10.77.0.12"})


def large(hosts=1000, services=200):
    """hosts x 8 GPUs; services of three kinds take turns: one engine over 8 hosts, replicas, one GPU each."""
    addresses = {f"gpu{place:04}": f"10.{place // 250}.{place % 250}.1" for place in range(hosts)}
    names = list(addresses)
    share = hosts // services
    every, engines, decisions, warnings = [], [], [], []
    for place in range(services):
        name, mine = f"s{place}", names[place * share : (place + 1) * share]
        found = []
        if place % 3 == 0:
            shared = {"rdma": "mlx5_0", "speed_mbits": 400000, "name": "ib0"}
            members = [
                member(host, f"{name}-0", range(8), 8000, interface={**shared, "address": addresses[host]})
                for host in mine
            ]
            sizes = {**dict.fromkeys(KEYS, 1), "tensor": 8, "pipeline": share, "expert": True}
            stages = [(39.1, 4.2, 29.5)] * share
            found.append(engine(name, 0, members, parallel=sizes, memory=memory(members, stages)))
        elif place % 3 == 1:
            for index, host in enumerate(mine * 4):
                first = index // share * 2
                members = [member(host, f"{name}-{index}", [first, first + 1], 8000 + index // share)]
                found.append(engine(name, index, members, memory=memory(members, [(30.6, 4.2, 38.4)])))
        else:
            for index, host in enumerate(mine):
                members = [member(host, f"{name}-{index}", [index % 8], 8000)]
                found.append(engine(name, index, members, memory=memory(members, [(14.2, 3.1, 55.9)])))
        urls = [
            f"http://{addresses[item['members'][0]['host']]}:{item['members'][0]['ports']['api']}" for item in found
        ]
        item = service(name, f"org/model-{place % 5}", found, urls, place)
        every.append(item)
        engines += found
        decisions += [
            decided(f"{item['path']}.accelerator", "cuda", f"{one['members'][0]['host']} has 8 GPUs") for one in found
        ]
        decisions.append(decided(f"{item['path']}.executor", "mp", "one host"))
        if place % 10 == 0:
            warnings.append(warned(f"{item['path']}.version", "release 0.33.0 is outside the tables", "check it"))
    return plan(every, engines, addresses, decisions, warnings)
