# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.releases import connectors


@pytest.mark.parametrize(
    ("name", "version", "valid", "words"),
    [
        ("SharedStorageConnector", "0.12.0", True, ""),
        ("SharedStorageConnector", "0.20.0", False, "ExampleConnector"),
        ("ExampleConnector", "0.20.0", True, ""),
        ("ExampleConnector", "0.12.0", False, "0.13.0 or later"),
        ("P2pNcclConnector", "0.23.0", True, ""),
        ("P2pNcclConnector", "0.24.0", False, "NixlConnector"),
        ("PyNcclConnector", "0.10.0", True, ""),
        ("PyNcclConnector", "0.10.1", False, "NixlConnector"),
        ("MooncakeConnector", "0.10.0", True, ""),
        ("MooncakeConnector", "0.11.0", False, "0.13.0 or later"),
        ("MooncakeConnector", "0.13.0", True, ""),
        ("LMCacheConnector", "0.10.1", False, "LMCacheConnectorV1"),
        ("NixlConector", "0.33.0", False, "NixlConnector"),
        ("Utterly", "0.33.0", False, "NixlConnector"),
    ],
)
def test_connectors(name, version, valid, words):
    found = connectors.find(name, version)
    assert found.valid is valid
    assert words in found.advice


def test_a_renamed_connector_says_its_name():
    assert connectors.find("SharedStorageConnector", "0.20.0").now == {"kv_connectors": ("ExampleConnector",)}
    assert connectors.find_encoder("ECSharedStorageConnector", "0.20.0").now == {
        "ec_connectors": ("ECExampleConnector",)
    }
    assert connectors.find_encoder("ECCPUConnector", "0.26.0").valid


@pytest.mark.parametrize(
    ("key", "version", "valid", "words"),
    [
        ("kv_role", "0.33.0", True, ""),
        ("kv_rank", "0.31.0", True, ""),
        ("kv_rank", "0.32.0", False, "kv_role"),
        ("kv_ip", "0.32.0", False, "VLLM_HOST_IP"),
        ("kv_parallel_size", "0.32.0", False, "PyNcclConnector"),
        ("kv_load_failure_policy", "0.12.0", False, "0.13.0 or later"),
        ("kv_conector", "0.33.0", False, "kv_connector"),
        ("backends", "0.33.0", False, "kv_connector_extra_config"),
    ],
)
def test_keys_of_kv_transfer_config(key, version, valid, words):
    found = connectors.transfer_key(key, version)
    assert found.valid is valid
    assert words in found.advice


@pytest.mark.parametrize(
    ("connector", "key", "version", "valid", "words"),
    [
        ("OffloadingConnector", "num_cpu_blocks", "0.13.0", True, ""),
        ("OffloadingConnector", "num_cpu_blocks", "0.14.0", False, "cpu_bytes_to_use"),
        ("OffloadingConnector", "cpu_bytes_to_use", "0.13.0", False, "0.14.0 or later"),
        ("NixlConnector", "backends", "0.33.0", True, ""),
        ("NixlConnector", "backend", "0.33.0", False, "did you mean backends"),
        ("NixlConnector", "wholly_other", "0.33.0", False, "does not read it"),
        ("P2pNcclConnector", "proxy_ip", "0.20.0", True, ""),
        ("LMCacheConnectorV1", "lmcache.anything", "0.33.0", True, ""),
        ("HiSparseConnector", "host_pool_gib", "0.33.0", True, ""),
    ],
)
def test_keys_of_a_connector(connector, key, version, valid, words):
    found = connectors.extra_key(connector, key, version)
    assert found.valid is valid
    assert words in found.advice
    assert f"{connector} {key}" not in found.advice


def test_the_side_channel_of_nixl_moved_and_shrank():
    (old,) = connectors.needs("NixlConnector", "0.11.0").ports
    (new,) = connectors.needs("NixlConnector", "0.11.1").ports
    assert (old.default, old.per) == (5557, "rank")
    assert (new.default, new.per, new.set_by) == (5600, "data_parallel_rank", "variable VLLM_NIXL_SIDE_CHANNEL_PORT")
    assert "VLLM_NIXL_SIDE_CHANNEL_HOST" in connectors.needs("NixlConnector", "0.33.0").variables


def test_what_connectors_need():
    assert connectors.needs("PyNcclConnector", "0.8.5").one_pair_only
    assert connectors.needs("PyNcclConnector", "0.8.5").engine == "v0"
    assert connectors.needs("PyNcclConnector", "0.8.5").transfer_required == ("kv_rank", "kv_parallel_size")
    assert connectors.needs("P2pNcclConnector", "0.20.0").mixed_tensor_sizes is False
    assert connectors.needs("MooncakeConnector", "0.9.0").engine == "v0"
    assert connectors.needs("MooncakeConnector", "0.33.0").ports[0].bind == "every interface"
    assert connectors.needs("OffloadingConnector", "0.13.0").required == ("num_cpu_blocks",)
    assert connectors.needs("OffloadingConnector", "0.20.0").required == ("cpu_bytes_to_use",)
    assert connectors.needs("MooncakeStoreConnector", "0.33.0").servers == {"mooncake_master": 50051}
    assert connectors.needs("MoRIIOConnector", "0.33.0").platforms == ("rocm",)
    assert connectors.needs("P2pNcclConnector", "0.24.0") is None
    assert connectors.needs("NoSuchConnector", "0.33.0") is None


def test_packages():
    assert connectors.packages("NixlConnector", "0.33.0") == {"nixl": "==1.5.0"}
    assert connectors.packages("NixlConnector", "0.24.0") == {"nixl": "==1.2.0"}
    assert connectors.packages("MooncakeConnector", "0.33.0") == {"mooncake-transfer-engine": ">=0.3.12"}
    assert connectors.packages("FlexKVConnectorV1", "0.33.0") == {"flexkv": ""}
    assert connectors.packages("ExampleConnector", "0.33.0") == {}
