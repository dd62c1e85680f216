# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put an image of this host's system and a Python environment into a registry, without an engine.

Usage: push_image.py REGISTRY NAME:TAG MARK [ENVIRONMENT]     user:password on standard input

Layers are plain tar, as the OCI image specification has it: to pack 2 GB with gzip takes minutes. MARK is a label of
the image; another mark is another digest. Without ENVIRONMENT the image holds the system alone. Prints the digest.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import sys
import tarfile
from urllib.parse import urlsplit

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
#: No program of the image reads these: the host's own services, texts for people, what C++ is compiled with.
LEFT_OUT = (
    *("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/perl", "usr/lib/modules", "usr/lib/firmware"),
    *("tmp/", "usr/bin/docker-registry", "usr/lib/systemd", "usr/lib/git-core", "usr/share/i18n", "usr/share/fonts"),
)
LEFT_OUT_PACKAGES = ("torch/test", "torch/include", "pip", "pycountry/locales")
SYSTEM = ("tmp", "usr", "bin", "sbin", "lib", "lib64", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d")
SYSTEM += ("etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl", "etc/alternatives", "etc/python3.11")


class Registry:
    def __init__(self, address, name, credentials):
        self.path = f"/v2/{name}"
        self.connection = http.client.HTTPConnection(address, timeout=300)
        self.headers = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}

    def ask(self, method, path, body=None, wanted=(200, 201, 202), **headers):
        chunked = hasattr(body, "__next__")
        self.connection.request(method, path, body, {**self.headers, **headers}, encode_chunked=chunked)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in wanted:
            sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
        return answer

    def upload(self, chunks):
        """A blob from a generator of bytes: its digest and size."""
        digest, size = hashlib.sha256(), 0

        def counted():
            nonlocal size
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        place = self.ask("POST", f"{self.path}/blobs/uploads/", b"").headers["Location"]
        kind = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        place = self.ask("PATCH", short(place), counted(), **kind).headers["Location"]
        name = f"sha256:{digest.hexdigest()}"
        self.ask("PUT", f"{short(place)}&digest={name}", b"")
        return name, size


def short(location):
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def packed(names, skip):
    """A tar of the paths below / as chunks. skip: says of a path whether it stays out."""
    parts = []

    class Sink:
        def write(self, data):
            parts.append(bytes(data))
            return len(data)

    def filtered(member):
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return None if skip(member.name) else member

    with tarfile.open(fileobj=Sink(), mode="w|", bufsize=1 << 20, format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            for found in walk(name, skip):
                info = archive.gettarinfo("/" + found, found)
                info = info and filtered(info)
                if info is None:
                    continue
                if info.isreg():
                    with open("/" + found, "rb") as file:
                        archive.addfile(info, file)
                else:
                    archive.addfile(info)
                while parts:
                    yield parts.pop(0)
        archive.close()
        while parts:
            yield parts.pop(0)


def walk(name, skip):
    if skip(name) or not os.path.lexists("/" + name):
        return
    yield name
    if os.path.isdir("/" + name) and not os.path.islink("/" + name):
        for entry in sorted(os.listdir("/" + name)):
            yield from walk(f"{name}/{entry}", skip)


def layers(environment):
    yield SYSTEM, lambda path: path.startswith(LEFT_OUT)
    if environment:
        inside = environment.strip("/")
        site = f"{inside}/lib/python3.11/site-packages"
        out = tuple(f"{site}/{name}" for name in LEFT_OUT_PACKAGES)
        torch, vllm = f"{site}/torch", f"{site}/vllm"

        def unwanted(path):
            return path in out or path.startswith(tuple(f"{name}/" for name in out))

        yield [torch], unwanted
        yield [vllm], unwanted
        yield [inside], lambda path: path in (torch, vllm) or unwanted(path)


def main(address, reference, mark, environment=""):
    name, _colon, tag = reference.partition(":")
    registry = Registry(address, name, sys.stdin.readline().strip())
    blobs = [registry.upload(packed(names, skip)) for names, skip in layers(environment)]
    variables = [f"PATH={environment}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
    # uv knows no others by itself, and the machine under the lab may have own ones.
    variables.append("SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": variables, "Cmd": ["/bin/true"], "Labels": {"mark": mark}},
        "rootfs": {"type": "layers", "diff_ids": [digest for digest, _size in blobs]},
    }
    described, size = registry.upload(iter([json.dumps(config, sort_keys=True).encode()]))
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": described, "size": size},
            "layers": [{"mediaType": LAYER, "digest": digest, "size": size} for digest, size in blobs],
        },
        sort_keys=True,
    ).encode()
    registry.ask("PUT", f"{registry.path}/manifests/{tag}", manifest, **{"Content-Type": MANIFEST})
    print(f"sha256:{hashlib.sha256(manifest).hexdigest()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
