# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signing key is written only if its fingerprint is the one that is trusted."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path

import pytest

KEYS = Path(__file__).resolve().parents[2] / "fixtures" / "keys"
RSA = "4B9F99BBEE571A445D15E078193F255A26373364"


@pytest.fixture
def server():
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(KEYS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def test_the_right_key_is_written_once(run_module, server, tmp_path):
    path = tmp_path / "keyrings" / "k.asc"
    told = {"url": f"{server}/rsa2048.asc", "fingerprints": [" ".join([RSA[:20].lower(), RSA[20:]])], "path": str(path)}
    assert run_module("signing_key", _ansible_check_mode=True, **told)["changed"]
    assert not path.exists()
    assert run_module("signing_key", **told)["changed"]
    assert path.read_bytes() == (KEYS / "rsa2048.asc").read_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    again = run_module("signing_key", **{**told, "url": "http://127.0.0.1:1/nobody"})
    assert (again["changed"], again["fingerprints"]) == (False, [RSA])


def test_another_key_is_refused_and_the_file_stays(run_module, server, tmp_path):
    path = tmp_path / "k.asc"
    path.write_text("kept")
    told = run_module("signing_key", url=f"{server}/ed25519.asc", fingerprints=[RSA], path=str(path))
    assert told["failed"]
    assert "A4BC524B6D5E53566FA0E0F971CB6E8D423F3E3D" in told["msg"]
    assert RSA in told["msg"]
    assert path.read_text() == "kept"


@pytest.mark.parametrize(
    ("address", "said"), [("/nothing.asc", "could not be fetched"), ("/../keys", "could not|no signing key")]
)
def test_what_is_no_key_is_refused(run_module, server, tmp_path, address, said):
    told = run_module("signing_key", url=server + address, fingerprints=[RSA], path=str(tmp_path / "k.asc"))
    assert told["failed"]
    assert any(word in told["msg"] for word in said.split("|"))
    assert not (tmp_path / "k.asc").exists()


def test_a_key_is_taken_from_a_file_of_the_host(run_module, tmp_path):
    path = tmp_path / "k.asc"
    assert run_module("signing_key", url=f"file://{KEYS}/rsa2048.asc", fingerprints=[RSA], path=str(path))["changed"]
    assert path.exists()
