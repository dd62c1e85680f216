# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model sources from a hub: told well and badly."""

from __future__ import annotations

import json
import socket
import time

import pytest
from ansible_collections.vllm.cluster.plugins.plugin_utils import hub_models
from ansible_collections.vllm.cluster.plugins.plugin_utils.hub_models import Wanted

CONFIG = json.dumps({"architectures": ["Some"], "num_hidden_layers": 2})
INDEX = json.dumps({"metadata": {"total_size": 65527752704}, "weight_map": {"w" * 90: "f" * 90}})
TOKEN = "hf_sEcReT0123456789"
FILES = {"config.json": CONFIG, "model.safetensors.index.json": INDEX}


def fetch(hub, model="org/m", revision=None, token=None, timeout=15.0):
    return hub_models.fetch(hub.url, [Wanted(model, revision, token)], timeout)


def to(place):
    def redirect(handler):
        handler.send_response(307)
        handler.send_header("Location", place)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return redirect


def test_a_model_is_read_from_its_three_files(hub):
    quantization = json.dumps({"quantization": {"quant_algo": "FP8"}})
    hub.serve("org/m", {**FILES, "hf_quant_config.json": quantization})
    found, failed = fetch(hub)
    expected = {"config": CONFIG, "quantization": quantization, "tensor_bytes": 65527752704, "problems": []}
    assert (found, failed) == ({"org/m": expected}, {})


def test_the_revision_is_what_is_asked_for(hub):
    hub.serve("org/m", FILES, revision="refs%2Fpr%2F1")
    assert list(fetch(hub, revision="refs/pr/1")[0]) == ["org/m@refs/pr/1"]
    assert fetch(hub)[1] == {"org/m": "HTTP 404, no such model or revision: correct the name"}


def test_a_model_of_one_file_has_no_index(hub):
    hub.serve("org/m", {"config.json": CONFIG})
    assert fetch(hub)[0]["org/m"]["tensor_bytes"] is None


def test_the_token_goes_to_the_hub_and_nowhere_else(hub, other_hub):
    other_hub.answers["/there"] = CONFIG
    hub.answers["/org/m/resolve/main/config.json"] = to("/cache/config.json")
    hub.answers["/cache/config.json"] = to(other_hub.url + "/there")
    found, _failed = fetch(hub, token=TOKEN)
    assert found["org/m"]["config"] == CONFIG
    assert hub.seen[:2] == [
        ("/org/m/resolve/main/config.json", f"Bearer {TOKEN}"),
        ("/cache/config.json", f"Bearer {TOKEN}"),
    ]
    assert other_hub.seen == [("/there", None)]


def test_without_a_token_none_is_sent_whatever_netrc_says(hub, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password wrong\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    hub.serve("org/m", FILES)
    assert fetch(hub)[0]
    assert {authorization for _path, authorization in hub.seen} == {None}


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"half": ')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def gone(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


def huge(handler):
    handler.send_response(200)
    handler.end_headers()
    for _part in range(64):
        handler.wfile.write(b" " * 2**16)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (401, "HTTP 401, private, gated or misspelt: give the service secrets.HF_TOKEN"),
        (403, "HTTP 403, gated: ask for access on the hub"),
        (404, "HTTP 404, no such model or revision"),
        (500, "HTTP 500"),
        ("<html>", "config.json is no JSON"),
        ("[" * 100_000, "config.json is no JSON"),
        ("[1]", "config.json holds no mapping"),
        (cut, "config.json is no JSON"),
        (gone, "no connection"),
        (huge, "config.json is longer than 1048576 bytes"),
        (to("file:///etc/passwd"), "redirected to what is no HTTP address"),
        (to("/org/m/resolve/main/config.json"), "more than 5 redirects"),
    ],
)
def test_what_a_hub_does_badly_leaves_the_model_unknown_with_the_reason(hub, answer, reason):
    hub.serve("org/m", {**FILES, "config.json": answer})
    found, failed = fetch(hub, token=TOKEN)
    assert found == {}
    assert reason in failed["org/m"] or (answer is gone and "RemoteDisconnected" in failed["org/m"])
    assert TOKEN not in failed["org/m"]


def test_a_quantization_that_cannot_be_read_is_not_taken_for_none(hub):
    hub.serve("org/m", {**FILES, "hf_quant_config.json": 500})
    assert fetch(hub) == ({}, {"org/m": "HTTP 500"})


@pytest.mark.parametrize("answer", [500, cut, huge, "{}"])
def test_an_index_that_tells_nothing_leaves_the_rest(hub, answer):
    hub.serve("org/m", {**FILES, "model.safetensors.index.json": answer})
    assert fetch(hub)[0]["org/m"] == {"config": CONFIG, "quantization": None, "tensor_bytes": None, "problems": []}


def drip(handler):
    handler.send_response(200)
    handler.end_headers()
    for _second in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def test_slow_models_cost_one_time_out_together(hub):
    names = [f"org/m{place}" for place in range(8)]
    for name in names:
        hub.serve(name, {"config.json": drip})
    hub.serve("org/quick", FILES)
    start = time.monotonic()
    found, failed = hub_models.fetch(hub.url, [Wanted(name, None, None) for name in [*names, "org/quick"]], 1.0)
    assert time.monotonic() - start < 6  # eight of them one after the other: 8
    assert list(found) == ["org/quick"]
    assert failed == dict.fromkeys(names, "no answer in 1 seconds")


def test_a_hub_that_is_not_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found, failed = hub_models.fetch(f"http://127.0.0.1:{port}/", [Wanted("org/m", None, TOKEN)])
    assert found == {}
    assert failed["org/m"].startswith("no connection (")


def test_a_token_that_no_header_can_carry_is_not_repeated(hub):
    found, failed = fetch(hub, token=TOKEN + "\nX: y")
    assert found == {}
    assert failed == {"org/m": "ValueError"}
    assert TOKEN not in repr(Wanted("org/m", None, TOKEN))
