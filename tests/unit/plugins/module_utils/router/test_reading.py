# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a front door's item may hold."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.router import nginx, reading

from .doors import PAIRS, REPLICAS, changed


@pytest.mark.parametrize(
    "item", [REPLICAS, PAIRS, changed(REPLICAS, "tls", {"certificate": "/c.pem", "key": "/k.pem"})]
)
def test_what_is_read_is_what_is_written(item):
    router = reading.parse(item)
    document = router.document()
    assert reading.parse(document) == router
    assert item.items() <= {**document, "workers": item["workers"]}.items()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mode", "both"),
        ("service", "chat; include /etc/passwd"),
        ("address", "localhost"),
        ("address", "10.0.0.1; listen 80"),
        ("port", 0),
        ("port", "8000"),
        ("port", True),
        ("ports.router", 65536),
        ("ports.metrics", None),
        ("environment", "envs/vllm-router"),
        ("policy", "fastest"),
        ("prefill_policy", "fastest"),
        ("workers", []),
        ("workers.0.url", "http://10.0.0.1"),
        ("workers.0.url", "https://10.0.0.1:8100"),
        ("workers.0.url", "http://10.0.0.1:8100/v1"),
        ("workers.0.url", "http://key@10.0.0.1:8100"),
        ("workers.0.url", "http://10.0.0.1:99999"),
        ("workers.0.url", "http://a b;}:80"),
        ("workers.0.url", 7),
        ("workers.0.kind", "encode"),
        ("workers.0.colour", "red"),
        ("tls", {"certificate": "/c.pem"}),
        ("tls", {"certificate": "c.pem", "key": "/k.pem"}),
        ("tls", {"certificate": "/c.pem", "key": '/k.pem"; load_module /tmp/x'}),
        ("api_keys.0.name", 'a"'),
        ("api_keys.0.secret", ""),
        ("engine_key", ""),
        ("paths", []),
        ("paths", ["v1/"]),
        ("paths", ["/v1/ {"]),
        ("networks", ["10.0.0.1/24"]),
        ("networks", ["all"]),
        ("limits.body_bytes", 0),
        ("limits.rate_per_key", 0.5),
        ("limits.rate_per_key", 0),
        ("limits.queue_per_key", -1),
        ("timeouts.connect", 0),
        ("timeouts.fetch", 3),
        ("health.interval", "2s"),
        ("fallback", "yes"),
        ("processes", 0),
        ("user", "a b"),
        ("colour", "red"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_path(path, value):
    reading.parse(REPLICAS)
    with pytest.raises(reading.RouterError) as caught:
        reading.parse(changed(REPLICAS, path, value))
    parts = path.replace(".0", "[0]")
    assert caught.value.path.startswith(parts)
    assert str(caught.value).startswith(f"{caught.value.path}: ")


@pytest.mark.parametrize(
    ("item", "path", "value", "told"),
    [
        (REPLICAS, "connector", "nixl", "connector"),
        (PAIRS, "connector", None, "connector"),
        (REPLICAS, "workers.0.kind", "decode", "workers"),
        (PAIRS, "workers", [{"url": "http://h:1", "kind": "decode"}], "workers"),
        (REPLICAS, "workers.0.url", "http://10.0.0.2:8100", "workers"),
        (REPLICAS, "ports.router", 8000, "ports"),
        (REPLICAS, "workers.0.bootstrap_port", 8998, "workers[0].bootstrap_port"),
        (PAIRS, "connector", "mooncake", "workers[0].bootstrap_port"),
        (REPLICAS, "api_keys", [{"name": "a", "secret": "s.a"}, {"name": "a", "secret": "s.b"}], "api_keys"),
        (REPLICAS, "limits", {"queue_per_key": 5}, "limits.queue_per_key"),
    ],
)
def test_values_that_cannot_be_together_are_refused(item, path, value, told):
    with pytest.raises(reading.RouterError) as caught:
        reading.parse(changed(item, path, value))
    assert caught.value.path == told


@pytest.mark.parametrize("missing", ["service", "mode", "address", "port", "ports", "workers", "environment"])
def test_what_has_no_default_is_asked_for(missing):
    item = {key: value for key, value in REPLICAS.items() if key != missing}
    with pytest.raises(reading.RouterError, match=f"^{missing}: missing"):
        reading.parse(item)


@pytest.mark.parametrize("item", [None, [], "chat"])
def test_what_is_no_mapping_is_refused(item):
    with pytest.raises(reading.RouterError):
        reading.parse(item)


def test_an_address_of_ipv6_is_listened_on():
    router = reading.parse(changed(changed(REPLICAS, "address", "::"), "workers.0.url", "http://[fd00::1]:8100"))
    assert "listen [::]:8000 " in nginx.text(router)
    assert "server [fd00::1]:8100 " in nginx.text(router)
