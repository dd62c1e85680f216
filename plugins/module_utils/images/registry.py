# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much an image weighs, asked of its registry before it is pulled."""

from __future__ import annotations

import base64
import ipaddress
import json
import platform
import re
import ssl
import typing as t
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from .engine import Event, Login
from .reference import Reference

#: What is asked of Docker Hub goes here.
_HUB = "registry-1.docker.io"
_LISTS = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CERTIFICATES = Path("/etc/docker/certs.d")
_TIMEOUT_S = 10.0


class Layer(t.NamedTuple):
    """size: bytes to download. content: digest of what is unpacked. packed: whether that is more than the size."""

    size: int
    content: str
    packed: bool


def layers(reference: Reference, login: Login | None, info: Event) -> list[Layer] | None:
    """The layers for this machine; None where the registry cannot be asked from here: then the engine may, or not.

    info: what the engine says of itself; its settings for the registry hold here too.
    """
    try:
        return _Registry(reference, login, info).layers()
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Registry:
    def __init__(self, reference: Reference, login: Login | None, info: Event) -> None:
        host = reference.registry or _HUB
        path = reference.repository
        self._path = path if reference.registry or "/" in path else f"library/{path}"
        self._wanted = reference.digest or reference.tag or "latest"
        self._login, self._token = login, ""
        self._open = _opener(host, info)
        self._base = f"{'http' if _is_plain(host, info) else 'https'}://{host}/v2/{self._path}"

    def layers(self) -> list[Layer]:
        manifest = self._json(f"{self._base}/manifests/{self._wanted}", ", ".join(_LISTS + _IMAGES))
        if "manifests" in manifest:
            mine = _ARCHITECTURES.get(platform.machine(), platform.machine())
            chosen = [item for item in manifest["manifests"] if _fits(item.get("platform") or {}, mine)]
            manifest = self._json(f"{self._base}/manifests/{chosen[0]['digest']}" if chosen else "", ", ".join(_IMAGES))
        config = self._json(f"{self._base}/blobs/{manifest['config']['digest']}", "*/*")
        found = zip(manifest["layers"], config["rootfs"]["diff_ids"])
        return [Layer(int(item["size"]), str(content), _is_packed(item)) for item, content in found]

    def _json(self, url: str, accept: str) -> t.Any:
        for first in (True, False):
            request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310  http or https, as above
            if self._token:
                # Not to where the registry sends us: a store of blobs signs its addresses.
                request.add_unredirected_header("Authorization", self._token)
            try:
                with self._open(request, timeout=_TIMEOUT_S) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code != 401 or not first:
                    raise
                self._authorize(str(error.headers.get("WWW-Authenticate") or ""))
        raise ValueError(url)

    def _authorize(self, challenge: str) -> None:
        """Basic, or a token of the service that the registry names."""
        basic = ""
        if self._login is not None:
            pair = f"{self._login.username}:{self._login.password}"
            basic = "Basic " + base64.b64encode(pair.encode()).decode()
        if not challenge.lower().startswith("bearer"):
            self._token = basic
            return
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {"service": said.get("service", ""), "scope": f"repository:{self._path}:pull"}
        # A registry that is asked by https must not lead a login to a service without it.
        if urlsplit(said["realm"]).scheme not in ("https", urlsplit(self._base).scheme):
            raise ValueError(said["realm"])
        request = urllib.request.Request(f"{said['realm']}?{urlencode(query)}")  # noqa: S310  http or https, as above
        if basic:
            request.add_unredirected_header("Authorization", basic)
        with self._open(request, timeout=_TIMEOUT_S) as answer:
            told = json.loads(answer.read())
        self._token = f"Bearer {told.get('token') or told['access_token']}"


def _fits(place: t.Mapping[str, t.Any], machine: str) -> bool:
    return place.get("os") == "linux" and place.get("architecture") == machine


def _is_packed(layer: t.Mapping[str, t.Any]) -> bool:
    return not str(layer.get("mediaType", "")).endswith((".tar", "diff.tar"))


def _is_plain(host: str, info: Event) -> bool:
    """Whether the engine speaks http with the registry, which it does only where it was told to."""
    settings = info.get("RegistryConfig") or {}
    known = (settings.get("IndexConfigs") or {}).get(host)
    if known is not None:
        return not known.get("Secure", True)
    return _in_networks(host, settings.get("InsecureRegistryCIDRs") or ())


def _in_networks(host: str, networks: t.Iterable[str]) -> bool:
    name = "127.0.0.1" if host.partition(":")[0] == "localhost" else host.rpartition(":")[0] or host
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def _opener(host: str, info: Event) -> t.Callable[..., t.Any]:
    """With the engine's proxies, and the certificates that it trusts for this registry."""
    trusted = ssl.create_default_context()
    for path in sorted((_CERTIFICATES / host).glob("*.crt")):
        trusted.load_verify_locations(path)
    proxies = {"http": info.get("HttpProxy"), "https": info.get("HttpsProxy")}
    without = str(info.get("NoProxy") or "")
    name = host.rpartition(":")[0] or host
    if urllib.request.proxy_bypass_environment(name, {"no": without}):  # type: ignore[attr-defined]
        proxies = {}
    handlers = [
        urllib.request.ProxyHandler({key: str(value) for key, value in proxies.items() if value}),
        urllib.request.HTTPSHandler(context=trusted),
    ]
    return urllib.request.build_opener(*handlers).open
