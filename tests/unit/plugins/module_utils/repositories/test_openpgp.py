# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints of real keys that gpg made, and told the fingerprints of."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.repositories.openpgp import KeyFormatError, fingerprints

KEYS = Path(__file__).resolve().parents[3] / "fixtures" / "keys"
RSA = "4B9F99BBEE571A445D15E078193F255A26373364"
ED = "A4BC524B6D5E53566FA0E0F971CB6E8D423F3E3D"


def armoured(name):
    return (KEYS / f"{name}.asc").read_bytes()


def plain(name):
    body = re.split(r"\n\n", armoured(name).decode(), maxsplit=1)[1]
    return base64.b64decode("".join(line for line in body.splitlines() if line[0] not in "=-"))


@pytest.mark.parametrize(("name", "fingerprint"), [("rsa2048", RSA), ("ed25519", ED)])
def test_the_fingerprint_is_gpgs(name, fingerprint):
    assert fingerprints(armoured(name)) == [fingerprint]
    assert fingerprints(plain(name)) == [fingerprint]
    assert fingerprints(armoured(name).replace(b"\n", b"\r\n")) == [fingerprint]


def test_every_primary_key_of_a_file_is_told():
    assert fingerprints(armoured("rsa2048") + armoured("ed25519")) == [RSA, ED]
    assert fingerprints(plain("rsa2048") + plain("ed25519")) == [RSA, ED]


def test_headers_of_the_armour_do_not_matter():
    text = armoured("ed25519").replace(b"BLOCK-----\n\n", b"BLOCK-----\nVersion: 1\nComment: none\n\n", 1)
    assert fingerprints(text) == [ED]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no public key"),
        (b"<html>not found</html>", "no OpenPGP data"),
        (plain("rsa2048")[:100], "middle of a packet"),
        (armoured("rsa2048")[:300], "no end"),
        (armoured("rsa2048").replace(b"mQ", b"\xff\xff", 1), "cannot be decoded"),
        (plain("rsa2048")[3 + int.from_bytes(plain("rsa2048")[1:3], "big") :], "no public key"),  # its user alone
    ],
)
def test_what_is_no_key_is_refused(data, said):
    with pytest.raises(KeyFormatError, match=said):
        fingerprints(data)
