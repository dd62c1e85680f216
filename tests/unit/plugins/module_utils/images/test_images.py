# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images, the room they need, what an engine's refusals mean, and what is built from what."""

from __future__ import annotations

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.images import (
    causes,
    derived,
    engine,
    record,
    reference,
    registry,
    request,
    space,
    worker,
)
from ansible_collections.vllm.cluster.plugins.module_utils.images.errors import ImageError

DIGEST = "sha256:" + "a" * 64
BARE = {"archive": None, "base": None, "ray": None}


@pytest.mark.parametrize(
    ("text", "registry_", "repository", "shown"),
    [
        ("debian", "", "debian", "debian:latest"),
        ("docker.io/library/debian:12", "", "debian", "debian:12"),
        ("vllm/vllm-openai:v0.32.0", "", "vllm/vllm-openai", "vllm/vllm-openai:v0.32.0"),
        ("localhost/a:1", "localhost", "a", "localhost/a:1"),
        ("reg:5000/a/b", "reg:5000", "a/b", "reg:5000/a/b:latest"),
        ("[fd00::1]:5000/a:1", "[fd00::1]:5000", "a", "[fd00::1]:5000/a:1"),
        (f"reg:5000/a:1@{DIGEST}", "reg:5000", "a", f"reg:5000/a@{DIGEST}"),
        (DIGEST, "", "", DIGEST),
    ],
)
def test_names(text, registry_, repository, shown):
    found = reference.parse(text)
    assert (found.registry, found.repository, found.text) == (registry_, repository, shown)


@pytest.mark.parametrize(
    "text", ["", "A", "a:", "a b", "a@sha256:12", "a@md5:1", "reg:5000/", "a//b", "-a", "a:-x", "a/../b"]
)
def test_what_is_no_name(text):
    with pytest.raises(reference.BadReference):
        reference.parse(text)


@pytest.mark.parametrize(
    ("text", "mirror", "shown"),
    [
        ("vllm/vllm-openai:v1", "m:5000", "m:5000/vllm/vllm-openai:v1"),
        ("debian:12", "m/hub/", "m/hub/library/debian:12"),
        (f"vllm/x@{DIGEST}", "m", f"m/vllm/x@{DIGEST}"),
        ("other.example/x:1", "m", "other.example/x:1"),
        (DIGEST, "m", DIGEST),
        ("vllm/x:1", None, "vllm/x:1"),
    ],
)
def test_a_mirror_stands_for_docker_hub_alone(text, mirror, shown):
    assert reference.mirrored(reference.parse(text), mirror).text == shown


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("manifest for r:1/a:2 not found: manifest unknown: manifest unknown", "no image of this tag"),
        ("unauthorized: authentication required", "wants a login"),
        ('Head "http://r:1/v2/a/manifests/1": no basic auth credentials', "wants a login"),
        ("pull access denied for a, repository does not exist or may require 'docker login'", "wants a login"),
        ('Get "http://r:1/v2/": dial tcp 1.2.3.4:1: connect: connection refused', "gives no answer"),
        ("write /var/lib/docker/tmp/x: no space left on device", "the disk is full"),
        ("filesystem layer verification failed for digest sha256:1", "not what the digest says"),
        ('Get "https://r:1/v2/": http: server gave HTTP response to HTTPS client', "plain http"),
        ('Get "https://r:1/v2/": x509: certificate signed by unknown authority', "not trusted"),
        ("toomanyrequests: You have reached your pull rate limit", "limits pulls"),
        ("something new", "something new"),
    ],
)
def test_what_an_engine_says_has_a_cause_and_a_fix(said, rule):
    told = str(causes.of_pull(reference.parse("r:1/a:2"), engine.Refused(500, said), has_login=False))
    assert told.startswith("r:1/a:2: ")
    assert rule in told
    assert "Fix: " in told


def test_a_login_that_is_refused_is_told_as_one():
    told = causes.of_pull(reference.parse("r:1/a:2"), engine.Refused(500, "unauthorized"), has_login=True)
    assert "does not take this login" in str(told)


class Host:
    """An engine that has these images."""

    def __init__(self, **images):
        self.has = {name: {"Id": f"id-{name}", **image} for name, image in images.items()}

    def image(self, name):
        return self.has.get(name)

    def images(self):
        return list(self.has.values())


def test_layers_that_an_image_begins_with_are_there():
    layers = [registry.Layer(size, content, True) for size, content in ((1, "a"), (2, "b"), (3, "c"))]
    host = Host(
        x={"RootFS": {"Layers": ["a", "z"]}}, y={"RootFS": {"Layers": ["a", "b"]}}, z={"RootFS": {"Layers": ["c"]}}
    )
    assert [layer.content for layer in space.lacking(layers, host)] == ["c"]
    assert len(space.lacking(layers, Host())) == 3


def test_what_does_not_fit_is_refused_with_numbers(tmp_path):
    info = {"DockerRootDir": str(tmp_path), "DriverStatus": None}
    space.check("a:1", [registry.Layer(1, "a", True)], info)
    with pytest.raises(
        ImageError, match=r"a:1: needs about 3584\.0 TiB|a:1: needs about [\d.]+ GiB at .* are free there"
    ):
        space.check("a:1", [registry.Layer(2**50, "a", True)], info)


def test_a_tag_that_is_there_is_pulled_again_only_when_asked():
    (item,) = request.items([{"reference": "r:1/a:2", **BARE}])
    host, plain = Host(**{"r:1/a:2": {}}), request.Settings({}, False, 1)
    assert worker.reason(item, host, plain) is None
    assert worker.reason(item, Host(), plain) == "it is not there"
    assert "newer" in worker.reason(item, host, request.Settings({}, True, 1))
    (pinned,) = request.items([{"reference": f"r:1/a@{DIGEST}", **BARE}])
    assert worker.reason(pinned, Host(**{f"r:1/a@{DIGEST}": {}}), request.Settings({}, True, 1)) is None


def test_an_image_with_ray_is_built_again_when_its_base_is_another():
    (item,) = request.items([{"reference": "vllm-cluster/ray:2.60.0-x", **BARE, "base": "b:1", "ray": "2.60.0"}])
    labels = {"vllm-cluster.base": "id-b:1", "vllm-cluster.ray": "2.60.0"}
    host = Host(**{"b:1": {}, item.wanted.text: {"Config": {"Labels": labels}}})
    assert worker.reason(item, host, request.Settings({}, False, 1)) is None
    labels["vllm-cluster.base"] = "older"
    assert worker.reason(item, host, request.Settings({}, False, 1)) == "its base has changed"
    assert derived.tag("b:1", "2.60.0") != derived.tag("b:2", "2.60.0") != derived.tag("b:2", "2.59.0")
    recipe = derived.recipe("b:1", "id", "2.60.0")
    # Images of the vLLM project have a virtual environment, or none; "--system" of uv passes the first kind by.
    assert '--python "$(command -v python3)"' in recipe
    assert recipe.startswith("FROM b:1\n")
    assert "ray[default]==2.60.0" in recipe


@pytest.mark.parametrize("url", ["https://u:p@mirror.example/simple", "http://t0ken@[fd00::1]:8080/simple"])
@pytest.mark.parametrize("names", [("UV_DEFAULT_INDEX",), ("UV_INDEX",), ("PIP_EXTRA_INDEX_URL",)])
def test_a_password_of_an_index_goes_into_no_image(url, names):
    built = request.items([{"reference": "vllm-cluster/ray:2.60.0-x", **BARE, "base": "b:1", "ray": "2.60.0"}])
    settings = request.Settings({}, False, 1, dict.fromkeys(names, f"https://a.example/simple {url}"))
    with pytest.raises(ImageError, match="history would hold") as refused:
        derived.check(built, settings)
    assert url not in str(refused.value)
    derived.check(request.items([{"reference": "b:1", **BARE}]), settings)
    derived.check(built, request.Settings({}, False, 1, {"PIP_INDEX_URL": "https://a.example/@org/simple"}))


def test_logins_are_no_part_of_what_is_shown_or_of_the_works_name():
    items = request.items([{"reference": "r:1/a:2", **BARE}])
    with_login = request.Settings({"r:1": engine.Login("u", "hidden")}, False, 1)
    assert "hidden" not in repr(with_login)
    assert request.identity(items, with_login) == request.identity(items, request.Settings({}, False, 1))


def test_what_was_brought_is_known_and_nothing_else_is_stale(tmp_path):
    path = tmp_path / "etc" / "images.json"
    assert record.read(path) == []
    record.add(["a:1", "b:1"], path)
    record.add(["b:1", "c:1"], path)
    assert record.stale(["b:1"], path) == ["a:1", "c:1"]


def test_images_that_containers_use_stay(tmp_path):
    class Busy:
        def remove(self, name):
            raise engine.Refused({"a:1": 409, "b:1": 404}[name], "no")

    path = tmp_path / "images.json"
    record.add(["a:1", "b:1", "c:1"], path)
    assert record.prune(Busy(), ["a:1", "b:1"], path) == ([], ["a:1"])
    assert record.read(path) == ["a:1", "c:1"]


def test_of_layers_the_bytes_are_counted():
    seen = worker._Layers()
    for status, current in (("Pulling fs layer", 0), ("Downloading", 10), ("Downloading", 30)):
        seen.feed({"status": status, "id": "x", "progressDetail": {"current": current}})
    assert (seen.done(), seen.are_unpacked_only) == (30, False)
    seen.feed({"status": "Download complete", "id": "x", "progressDetail": {}})
    seen.feed({"status": "Extracting", "id": "x", "progressDetail": {"current": 1}})
    assert seen.are_unpacked_only
