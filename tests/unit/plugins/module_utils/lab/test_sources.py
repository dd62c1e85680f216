# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of pip's, uv's, apt's and OpenSSL's settings to plain data."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.lab import sources

NOTHING = {
    "index_url": None,
    "extra_index_urls": [],
    "find_links": [],
    "trusted_hosts": [],
    "no_index": False,
    "timeout_s": None,
}


def python(listing="", **environ):
    return sources.python_sources(listing, environ)


def certificate(body):
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"


def test_a_machine_with_nothing_special():
    assert python() == NOTHING
    assert sources.local_folders(python()) == []
    assert sources.proxies({}) == {}
    assert sources.apt_settings("") == {}
    assert sources.added_certificates("", []) == []


def test_pip_files_later_ones_win():
    listing = "\n".join(
        [
            "global.index-url='https://old.example.org/simple'",
            "global.find-links='/srv/a\\n/srv/b'",
            "global.index-url='https://new.example.org/simple'",
            "install.trusted-host='one.example.org two.example.org'",
            "download.index-url='https://other.example.org/simple'",
            "global.no-index='true'",
            "global.timeout='30'",
            ":env:.index-url='printed twice by pip'",
        ]
    )
    assert python(listing) == {
        "index_url": "https://new.example.org/simple",
        "extra_index_urls": [],
        "find_links": ["/srv/a", "/srv/b"],
        "trusted_hosts": ["one.example.org", "two.example.org"],
        "no_index": True,
        "timeout_s": 30,
    }


def test_a_value_with_an_equals_sign_and_quotes():
    assert python('global.index-url="https://x.example.org/it\'s?a=b"')["index_url"] == "https://x.example.org/it's?a=b"


def test_the_environment_wins_over_files():
    found = python(
        "global.index-url='https://file.example.org/simple'\nglobal.find-links='/srv/file'",
        PIP_INDEX_URL="https://variable.example.org/simple",
        PIP_EXTRA_INDEX_URL="https://a.example.org https://b.example.org",
        PIP_FIND_LINKS="",
        PIP_NO_INDEX="0",
        PIP_DEFAULT_TIMEOUT="180",
    )
    assert found["index_url"] == "https://variable.example.org/simple"
    assert found["extra_index_urls"] == ["https://a.example.org", "https://b.example.org"]
    assert found["find_links"] == ["/srv/file"]
    assert found["no_index"] is False
    assert found["timeout_s"] == 180


def test_uv_stands_for_what_pip_does_not_set():
    found = python(
        "global.find-links='/srv/pip'",
        UV_INDEX="pytorch=https://p.example.org/whl?cpu=1 https://q.example.org/simple",
        UV_DEFAULT_INDEX="https://d.example.org/simple",
        UV_FIND_LINKS="/srv/uv,/srv/uv2",
    )
    assert found["index_url"] == "https://d.example.org/simple"
    assert found["extra_index_urls"] == ["https://p.example.org/whl?cpu=1", "https://q.example.org/simple"]
    assert found["find_links"] == ["/srv/pip"]
    assert python(UV_FIND_LINKS="/srv/uv,/srv/uv2")["find_links"] == ["/srv/uv", "/srv/uv2"]


@pytest.mark.parametrize(
    ("settings", "folders"),
    [
        ({"PIP_FIND_LINKS": "/srv/wheels/ file:///srv/more"}, ["/srv/more", "/srv/wheels"]),
        ({"PIP_FIND_LINKS": "https://x.example.org/wheels"}, []),
        ({"PIP_FIND_LINKS": "wheels"}, []),
        ({"PIP_FIND_LINKS": "/srv/wheels/index.html"}, ["/srv/wheels"]),
        ({"PIP_FIND_LINKS": "/srv /srv/wheels /srvx"}, ["/srv", "/srvx"]),
        ({"PIP_EXTRA_INDEX_URL": "file:///srv/pypi/simple/ file:///srv/flat"}, ["/srv/flat", "/srv/pypi"]),
        ({"PIP_INDEX_URL": "file:///srv/pypi/simple"}, ["/srv/pypi"]),
        ({"PIP_INDEX_URL": "file:///simple"}, []),
        ({"PIP_FIND_LINKS": "/"}, []),
    ],
)
def test_folders(settings, folders):
    assert sources.local_folders(python(**settings)) == folders


def test_apt_settings_reach_and_nothing_else():
    dump = "\n".join(
        [
            'APT::Install-Recommends "0";',
            'Acquire "";',
            'Acquire::http::Proxy "http://proxy.example.org:3128";',
            'Acquire::https::Proxy::debian.example.org "DIRECT";',
            'Acquire::Check-Valid-Until "false";',
            'Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";',
            'Acquire::Languages "none";',
            'Acquire::Retries "";',
        ]
    )
    assert sources.apt_settings(dump) == {
        "Acquire::http::Proxy": "http://proxy.example.org:3128",
        "Acquire::https::Proxy::debian.example.org": "DIRECT",
        "Acquire::Check-Valid-Until": "false",
    }


def test_apt_repositories():
    targets = "\n".join(
        [
            "bookworm http://mirror.example.org/debian/",
            "bookworm http://second.example.org/debian/",
            "bookworm-security https://mirror.example.org/debian-security",
            "local file:/srv/repository",
            "",
        ]
    )
    assert sources.apt_repositories(targets) == {
        "bookworm": "http://mirror.example.org/debian",
        "bookworm-security": "https://mirror.example.org/debian-security",
    }


def test_added_certificates():
    stock = [certificate("AAA") + "\n", "# a comment\n" + certificate("BBB")]
    bundle = "\n".join([certificate("AAA"), "# company", certificate("CCC"), certificate("BBB"), certificate("CCC")])
    assert sources.added_certificates(bundle, stock) == [certificate("CCC")]
    assert sources.certificates(bundle)[1] == certificate("CCC")


def test_proxies_lower_case_wins():
    environ = {"HTTP_PROXY": "http://upper", "http_proxy": "http://lower", "HTTPS_PROXY": "http://s", "no_proxy": ""}
    assert sources.proxies(environ) == {"http_proxy": "http://lower", "https_proxy": "http://s"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("https://person:secret@x.example.org/simple", True),
        ("https://token@x.example.org/simple", True),
        ("https://x.example.org/simple", False),
        ("https://x.example.org/a@b", False),
        ("/srv/wheels", False),
    ],
)
def test_credentials(text, holds):
    assert sources.holds_credentials(["", text]) is holds
