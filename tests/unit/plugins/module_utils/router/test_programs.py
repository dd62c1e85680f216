# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of a front door are started with. What they do is tested on real hosts: molecule/replicas."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.router import (
    command,
    environment,
    keys,
    nginx,
    places,
    reading,
    settings,
    units,
)
from ansible_collections.vllm.cluster.plugins.module_utils.units import plan_unit

from .doors import PAIRS, REPLICAS, changed

#: Option -> the values it takes (null: any), as the release's own parser has them.
OPTIONS = json.loads((Path(__file__).with_name("vllm_router_options.json")).read_text())


def words(router):
    """Option -> list of the words after each of its uses."""
    found, uses = {}, command.argv(router)[1:]
    for word in uses:
        if word.startswith("--"):
            found.setdefault(word, []).append([])
            current = found[word][-1]
        else:
            current.append(word)
    return found


@pytest.mark.parametrize("item", [REPLICAS, PAIRS])
@pytest.mark.parametrize("policy", settings.POLICIES)
def test_every_option_is_one_of_the_release(item, policy):
    assert OPTIONS["release"] == environment.VERSION
    sides = {"prefill_policy": policy, "decode_policy": policy} if item is PAIRS else {}
    for option, uses in words(reading.parse({**item, "policy": policy, **sides})).items():
        allowed = OPTIONS["options"][option]
        assert allowed is None or all(word in allowed for use in uses for word in use)


@pytest.mark.parametrize("connector", settings.CONNECTORS)
def test_every_connector_is_one_of_the_release(connector):
    item = changed(changed(PAIRS, "workers.0.bootstrap_port", 8998), "workers.1.bootstrap_port", 8999)
    found = words(reading.parse({**item, "connector": connector}))
    assert found["--kv-connector"][0][0] in OPTIONS["options"]["--kv-connector"]
    assert found["--prefill"] == [["http://10.0.0.1:8100", "8998"], ["http://10.0.0.2:8100", "8999"]]
    assert found["--decode"] == [["http://10.0.0.3:8100"], ["http://10.0.0.4:8100"]]
    assert found["--vllm-pd-disaggregation"] == [[]]


def test_replicas_are_workers_and_vllm_router_is_on_loopback():
    found = words(reading.parse(REPLICAS))
    assert found["--worker-urls"] == [["http://10.0.0.1:8100", "http://10.0.0.2:8100"]]
    assert found["--host"] == [["127.0.0.1"]] == found["--prometheus-host"]


@pytest.mark.parametrize("item", [REPLICAS, PAIRS])
def test_units_are_units_of_the_plan_and_hold_no_secret(item):
    router = reading.parse(item)
    made = units.units(router)
    for unit in made:
        values = dict.fromkeys(unit["secrets"], "k")
        assert plan_unit.template_variables(unit, values)["name"] == unit["name"]
    assert [unit["name"] for unit in made] == [places.router_unit("chat"), places.door_unit("chat")]
    # In mode replicas nginx's Authorization goes through vllm-router; in mode pd it sends its own.
    assert made[0]["secrets"] == ({"OPENAI_API_KEY": "chat.secrets.ENGINE"} if item is PAIRS else {})


def test_the_environment_is_an_environment_of_the_plan():
    item = environment.item("/opt/vllm/envs", "/usr/bin/python3")
    assert item["path"] == f"/opt/vllm/envs/vllm-router-{environment.VERSION}"
    assert item["requirements"] == [f"vllm-router=={environment.VERSION}"]


def blocks(text):
    """Path of block names -> its own directives. Fails where braces do not match."""
    found, way = {}, []
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            way.append(line[:-1].strip())
        elif line == "}":
            way.pop()
        elif line and not line.startswith("#"):
            found.setdefault(tuple(way), []).append(line)
    assert not way
    return found


def block(item, *way):
    return blocks(nginx.text(reading.parse(item)))[("http", *way)]


@pytest.mark.parametrize(
    ("item", "servers"),
    [
        (REPLICAS, ["127.0.0.1:8101", "127.0.0.1:8101", "10.0.0.1:8100 backup", "10.0.0.2:8100 backup"]),
        (PAIRS, ["127.0.0.1:8101", "127.0.0.1:8101", "10.0.0.3:8100 backup", "10.0.0.4:8100 backup"]),
        ({**PAIRS, "fallback": False}, ["127.0.0.1:8101", "127.0.0.1:8101"]),
        (
            {**REPLICAS, "fallback": False},
            ["127.0.0.1:8101", "127.0.0.1:8101", "10.0.0.1:8100 backup", "10.0.0.2:8100 backup"],
        ),
    ],
)
def test_who_answers_after_vllm_router(item, servers):
    lines = [line for line in block(item, "upstream router") if line.startswith("server ")]
    assert [re.sub(r"^server | max_fails=\d+| fail_timeout=\w+|;", "", line) for line in lines] == servers


def test_a_client_reaches_the_allowed_paths_and_no_other():
    item = {**REPLICAS, "paths": ["/v1/chat/completions", "/health"]}
    places_ = {way[-1] for way in blocks(nginx.text(reading.parse(item))) if way and way[-1].startswith("location")}
    assert {place for place in places_ if "@" not in place and "/-/" not in place} == {
        "location = /v1/chat/completions",
        "location = /health",
        "location /",
    }


def test_every_status_of_its_own_has_an_answer():
    text = nginx.text(reading.parse(REPLICAS))
    named = set(re.findall(r"error_page [\d ]+ = (@\w+);", text))
    answers = dict(re.findall(r"location (@\w+) \{[^}]*?return \d+ '(.*?)';", text))
    # These two end in one of the others: after a limit, and where an engine cannot tell either.
    assert named == {*answers, "@stranger", "@again"}
    assert {"@stranger", "@again"} <= set(re.findall(r"location (@\w+) ", text))
    assert all(json.loads(body)["error"]["message"] for body in answers.values())


def test_limits_are_of_keys_or_of_addresses_and_a_rate_is_a_choice():
    rate = {"rate_per_key": 5, "queue_per_key": 7}
    assert "limit_conn_zone $vllm_key zone=concurrent:8m;" in block(REPLICAS)
    assert "limit_conn_zone $binary_remote_addr zone=concurrent:8m;" in block({**REPLICAS, "api_keys": []})
    assert not [line for line in block(REPLICAS, "server", "location /v1/") if line.startswith("limit_req")]
    assert "limit_req zone=rate burst=7;" in block({**REPLICAS, "limits": rate}, "server", "location /v1/")


def test_tls_is_a_choice():
    item = {**REPLICAS, "tls": {"certificate": "/c.pem", "key": "/k.pem"}}
    assert "ssl_certificate_key /k.pem;" in block(item, "server")
    assert not [line for line in block(REPLICAS, "server") if "ssl" in line]


def test_the_secrets_are_in_the_other_file():
    router = reading.parse(REPLICAS)
    told = {"chat.api_key": "client-secret", "chat.secrets.ENGINE": "engine-secret"}
    assert "engine-secret" in keys.text(router, told)
    assert "secret" not in nginx.text(router)
