# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs ranks of a collective. It runs in the engine's own Python, so it imports nothing of ours.

Its source is handed to that Python (launch.py), which calls ``main``. It prints one JSON line.
"""

from __future__ import annotations

import ctypes
import datetime
import importlib
import json
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
import typing as t

_LOG = 1 << 20
_PATTERN = 7  # numbers repeat after so many elements; sums stay exact in float32


def main(settings: dict[str, t.Any]) -> None:
    """Run this member's ranks and print ``{ranks: [...], log}``.

    settings: backend, address, port, first, count, world, sizes (bytes), repeat_s, timeout (seconds until everything is
    ended), environment, devices.
    """
    deadline = time.monotonic() + settings["timeout"]
    os.environ.update(settings["environment"])
    context = multiprocessing.get_context("fork")
    ranks = []
    with tempfile.TemporaryFile() as log:
        for local in range(settings["count"]):
            receiver, sender = context.Pipe(duplex=False)
            arguments = (settings, local, sender, log.fileno(), os.getpid(), deadline)
            process = context.Process(target=_rank, args=arguments, daemon=True)
            process.start()
            sender.close()
            ranks.append((settings["first"] + local, process, receiver))
        results = [_collect(rank, process, receiver, deadline) for rank, process, receiver in ranks]
        for _rank_number, process, _receiver in ranks:
            if process.is_alive():
                process.kill()
            process.join()
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG))
        text = log.read().decode("utf-8", "replace")
    sys.stdout.write(json.dumps({"ranks": results, "log": text}) + "\n")


def _collect(rank: int, process: t.Any, receiver: t.Any, deadline: float) -> dict[str, t.Any]:
    """What a rank told last; a rank that says no more is told of, and not waited for after the deadline."""
    result: dict[str, t.Any] = {"rank": rank, "stage": "start", "sizes": [], "error": None}
    try:
        while receiver.poll(max(0.0, deadline - time.monotonic())):
            result.update(receiver.recv())
            if result["stage"] == "done" or result["error"]:
                return result
        result["error"] = "out of time"
    except (EOFError, OSError):
        process.join(1)
        result["error"] = f"the process ended ({process.exitcode})"
    return result


def _rank(settings: dict[str, t.Any], local: int, sender: t.Any, log: int, parent: int, deadline: float) -> None:
    """One rank, in a process of its own. What NCCL and Gloo print goes to the log."""
    _die_with(parent)
    os.dup2(log, 1)
    os.dup2(log, 2)
    told: dict[str, t.Any] = {"rank": settings["first"] + local, "stage": "import", "sizes": []}
    try:
        _test(settings, local, told, sender, deadline)
        told["stage"] = "done"
        sender.send(told)
    except Exception as error:
        traceback.print_exc()
        sender.send({**told, "error": f"{type(error).__name__}: {error}"[:2000]})
    sys.stdout.flush()
    os._exit(0)  # destructors of a broken group may wait for peers for ever


def _die_with(parent: int) -> None:
    """End when the parent does, however that is ended."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def _test(settings: dict[str, t.Any], local: int, told: dict[str, t.Any], sender: t.Any, deadline: float) -> None:
    torch = importlib.import_module("torch")
    dist = importlib.import_module("torch.distributed")
    rank, world = settings["first"] + local, settings["world"]
    told.update(stage="rendezvous", torch=torch.__version__)
    sender.send(told)
    cuda = settings["backend"] == "nccl"
    if cuda:
        torch.cuda.set_device(settings["devices"][local] if settings["devices"] else local)
        told["nccl"] = ".".join(map(str, torch.cuda.nccl.version()))
    master: dict[str, t.Any] = {}
    if rank == 0:  # the store takes anybody's word: it listens where members are, and not on every interface
        listener = socket.create_server((settings["address"], settings["port"]), family=_family(settings["address"]))
        master = {"is_master": True, "master_listen_fd": listener.detach()}
    store = dist.TCPStore(
        settings["address"], settings["port"], timeout=_left(deadline), wait_for_workers=False, **master
    )
    _roll_call(store, rank, world, told, deadline)
    told["stage"] = "connect"
    sender.send(told)
    dist.init_process_group(settings["backend"], store=store, rank=rank, world_size=world, timeout=_left(deadline))
    device = "cuda" if cuda else "cpu"
    told["stage"] = "reduce"
    for size in settings["sizes"]:
        told["sizes"].append(_reduce(torch, dist, device, size, rank, world, settings["repeat_s"]))
        sender.send(told)
    for word in ("over", "bye"):  # nobody leaves while another still reduces; the first keeps the store until the end
        store.set(f"{word}/{rank}", b"1")
        if word == "over" or rank == 0:
            store.wait([f"{word}/{other}" for other in range(world)], _left(deadline))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _roll_call(store: t.Any, rank: int, world: int, told: dict[str, t.Any], deadline: float) -> None:
    """Wait for every rank, and name those that do not come."""
    store.set(f"here/{rank}", b"1")
    keys = {other: f"here/{other}" for other in range(world)}
    try:
        store.wait(list(keys.values()), _left(deadline) * 0.6)
    except Exception as error:
        told["missing"] = [other for other, key in keys.items() if not store.check([key])]
        if told["missing"]:
            raise RuntimeError(f"ranks {told['missing']} did not come") from error
        raise


def _left(deadline: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=max(1.0, deadline - 1.0 - time.monotonic()))


def _reduce(
    torch: t.Any, dist: t.Any, device: str, size: int, rank: int, world: int, repeat_s: float
) -> dict[str, t.Any]:
    """All-reduce of a size: whether the sums are right, and the seconds of one."""
    count = max(1, size // 4)
    base = (torch.arange(count, device=device) % _PATTERN + 1).to(torch.float32)
    expected = base * (world * (world + 1) // 2)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None

    tensor = base * (rank + 1)
    begin = time.monotonic()
    dist.all_reduce(tensor)
    wait()
    first = time.monotonic() - begin
    right = bool(torch.equal(tensor, expected))

    tensor.zero_()
    begin = time.monotonic()
    dist.all_reduce(tensor)
    wait()
    one = torch.tensor([time.monotonic() - begin], dtype=torch.float64, device=device)
    dist.all_reduce(one, op=dist.ReduceOp.MAX)  # so that all ranks repeat it equally often
    times = int(min(50, max(5, repeat_s / max(float(one), 1e-6))))
    begin = time.monotonic()
    for _number in range(times):
        dist.all_reduce(tensor)
    wait()
    seconds = (time.monotonic() - begin) / times
    return {"bytes": count * 4, "right": right, "seconds": seconds, "first_s": first, "times": times}
