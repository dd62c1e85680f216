# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web servers with curl, buckets with boto3, other hosts with rsync: real clients against servers of our own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.hubs.server import Fault
from tests.processes.downloads.conftest import FIRST, SECOND, Host, same, wait_for, workers

KEYS = {"s3_access_key": "AKIDexample", "s3_secret_key": "s3-sEcReT/0123456789", "s3_region": "here-1"}
DIRECTORY = "models/tiny"


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host", tmp_path / "models", timeout=60, attempts=2)


def of_web(host, web, **more):
    return host.item(**{"source": f"{web.url}/acme/tiny", "kind": "web", **more})


def of_bucket(host, **more):
    return host.item(**{"source": "s3://acme/tiny", "kind": "s3", **more})


def test_web_and_again_without_the_server(host, web, repository, tmp_path):
    assert host.bring(of_web(host, web))["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    asked = len(web.seen)
    assert host.bring(of_web(host, web))["changed"] is False
    assert len(web.seen) == asked


def test_web_goes_on_within_the_file_after_a_kill(host, web, repository, tmp_path):
    web.held = 100_001
    directory = tmp_path / DIRECTORY
    host.call("start", [of_web(host, web)])
    part = directory / f"{FIRST}.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 100_000)
    for process in workers(directory):
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not workers(directory))
    come = part.stat().st_size
    web.seen.clear()
    web.release()
    assert host.bring(of_web(host, web))["changed"] is True
    assert same(repository, directory)
    assert [item[2] for item in web.data(FIRST)] == [f"bytes={come}-"]


def test_web_mends_what_was_cut_spoilt_and_truncated(host, web, repository, tmp_path):
    web.faults |= {f"tiny/{FIRST}": Fault(times=1, cut=50_000), f"tiny/{SECOND}": Fault(times=1, spoil=True)}
    assert host.bring(of_web(host, web), attempts=3)["changed"] is True
    assert [fault.times for fault in web.faults.values()] == [0, 0]
    assert same(repository, tmp_path / DIRECTORY)
    shard = tmp_path / DIRECTORY / FIRST
    shard.write_bytes(shard.read_bytes()[:1000])
    assert host.bring(of_web(host, web))["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)


def test_a_web_server_without_sums_is_told_what_to_do(host, web, repository):
    (repository / "SHA256SUMS").unlink()
    failed = host.bring(of_web(host, web))
    assert "has no SHA256SUMS" in failed["msg"]
    assert "Fix: put a SHA256SUMS" in failed["msg"]


def test_a_token_of_a_web_server(host, web, tmp_path):
    web.token = "web-sEcReT0123456789"
    assert "HTTP 401" in host.bring(of_web(host, web))["msg"]
    web.held = 1
    item = of_web(host, web)
    begun = host.call("start", [item], web_token=web.token)
    wait_for(lambda: list((tmp_path / DIRECTORY).rglob("*.part")))
    processes = workers(tmp_path / DIRECTORY)
    assert processes
    seen = "".join(Path(f"/proc/{process}/cmdline").read_text() for process in processes)
    web.release()
    done = host.end(begun, item, web_token=web.token)
    assert done["changed"] is True
    assert web.token not in seen + json.dumps(done)


def test_bucket_and_again(host, bucket, repository, tmp_path):
    more = {"s3_endpoint": bucket.url, **KEYS}
    done = host.bring(of_bucket(host), **more)
    assert done["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    asked = len(bucket.seen)
    assert host.bring(of_bucket(host), **more)["changed"] is False
    assert len(bucket.seen) == asked
    told = json.dumps(done)
    for file in [*tmp_path.joinpath("models").rglob("*"), *tmp_path.joinpath("host").rglob("*")]:
        told += "" if file.is_dir() else file.read_bytes().decode("latin-1")
    assert KEYS["s3_secret_key"] not in told
    assert "X-Amz-Signature" not in told


def test_bucket_takes_up_what_was_cut(host, bucket, repository, tmp_path):
    bucket.faults[f"tiny/{FIRST}"] = Fault(times=1, cut=50_000)
    assert host.bring(of_bucket(host), s3_endpoint=bucket.url, **KEYS)["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    assert [item[2] for item in bucket.data(FIRST)] == ["bytes=0-", "bytes=50000-"] or [
        item[2] for item in bucket.data(FIRST)
    ] == [None, "bytes=50000-"]


@pytest.mark.parametrize(
    ("source", "keys", "words"),
    [
        ("s3://nothing/tiny", KEYS, ["NoSuchBucket", "correct the bucket's name"]),
        ("s3://acme/none", KEYS, ["holds no files", "correct the source"]),
        ("s3://acme/tiny", {}, ["Unable to locate credentials", "vllm_s3_access_key"]),
    ],
)
def test_buckets_that_cannot_be(host, bucket, source, keys, words):
    failed = host.bring(of_bucket(host, source=source), s3_endpoint=bucket.url, **keys)
    for word in (*words, "Fix:"):
        assert word in failed["msg"]


def test_rsync_from_a_service(host, repository, tmp_path, rsyncd):
    source = f"rsync://127.0.0.1:{rsyncd}/models/acme/tiny"
    of_rsync = host.item(source=source, kind="rsync")
    done = host.bring(of_rsync)
    assert done.get("changed") is True, done
    assert same(repository, tmp_path / DIRECTORY)
    assert host.bring(of_rsync)["changed"] is False
    shard = tmp_path / DIRECTORY / FIRST
    shard.write_bytes(shard.read_bytes()[:1000])
    assert host.bring(of_rsync)["changed"] is True
    assert same(repository, tmp_path / DIRECTORY)
    failed = host.bring(host.item(source=f"rsync://127.0.0.1:{rsyncd}/nothing/tiny", kind="rsync"))
    assert "rsync says" in failed["msg"]
    assert "Fix: correct the module's name" in failed["msg"]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("https://user:pw@files.example/tiny", "user name or password"),
        ("https://files.example/tiny?sign=1", "question mark"),
        ("ftp://files.example/tiny", "nothing is brought by ftp://"),
        ("rsync://files.example", "names no folder"),
        ("ssh://-oProxyCommand=x/tiny", "names no host"),
        ("https://files.example/../etc", "leads upward"),
    ],
)
def test_sources_that_are_none(host, source, word):
    failed = host.bring(host.item(source=source, kind="web"))
    assert word in failed["msg"]
    assert "Fix:" in failed["msg"]


@pytest.fixture
def rsyncd(tmp_path):
    program = shutil.which("rsync")
    if program is None:
        pytest.skip("needs rsync")
    port = 20_000 + os.getpid() % 20_000
    settings = tmp_path / "rsyncd.conf"
    settings.write_text(f"use chroot = no\n[models]\npath = {tmp_path}/root\nread only = yes\n")
    argv = [program, "--daemon", "--no-detach", f"--config={settings}", f"--port={port}", "--address=127.0.0.1"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        wait_for(lambda: subprocess.run([program, f"rsync://127.0.0.1:{port}/"], check=False).returncode == 0)
        yield port
        process.terminate()
