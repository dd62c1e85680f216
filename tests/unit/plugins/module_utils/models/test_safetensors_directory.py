# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import zipfile

import pytest
from ansible_collections.vllm.cluster.plugins.module_utils.models import directory, safetensors, tiny
from ansible_collections.vllm.cluster.plugins.module_utils.models.errors import ModelError

SHARDS = {
    "model-00001-of-00002.safetensors": {"a": 6, "b": 4},
    "model-00002-of-00002.safetensors": {"c": 10},
}
LAST = "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def model(tmp_path):
    """A complete directory of two shards."""
    (tmp_path / "config.json").write_text("{}")
    weight_map = {}
    for shard, tensors in SHARDS.items():
        content = [safetensors.Tensor(name, (count,), b"\0" * 2 * count) for name, count in tensors.items()]
        (tmp_path / shard).write_bytes(safetensors.serialize(content))
        weight_map.update(dict.fromkeys(tensors, shard))
    (tmp_path / INDEX).write_text(json.dumps({"metadata": {"total_size": 40}, "weight_map": weight_map}))
    return tmp_path


def problems(path):
    found = directory.check(str(path))
    assert found.complete == (not found.problems)
    assert (found.tensor_bytes is not None) <= found.complete
    assert all(each.fix for each in found.problems)
    return [(each.file, each.rule) for each in found.problems]


def test_a_complete_one(model):
    found = directory.check(str(model))
    assert (found.complete, found.kind, found.shards) == (True, "safetensors", tuple(SHARDS))
    assert found.tensor_bytes == 40
    assert found.file_bytes == sum((model / shard).stat().st_size for shard in SHARDS)
    json.dumps(found.as_dict())


def test_a_single_file_without_an_index(tmp_path):
    for name, content in tiny.model_files(tiny.DEFAULT_SEED).items():
        (tmp_path / name).write_bytes(content)
    found = directory.check(str(tmp_path))
    assert (found.complete, found.shards) == (True, ("model.safetensors",))


def test_a_missing_shard(model):
    (model / LAST).unlink()
    assert problems(model) == [(LAST, "is missing")]


def test_a_shard_that_is_a_broken_link(model):
    (model / LAST).unlink()
    (model / LAST).symlink_to(model / "nowhere")
    assert problems(model) == [(LAST, "is missing")]


@pytest.mark.parametrize("cut", [1, 8, 19])
def test_a_truncated_shard(model, cut):
    content = (model / LAST).read_bytes()
    (model / LAST).write_bytes(content[:-cut])
    ((file, rule),) = problems(model)
    assert file == LAST
    assert rule == f"is {len(content) - cut} bytes long, but its own header demands {len(content)}"


def test_a_shard_that_is_too_long(model):
    with (model / LAST).open("ab") as shard:
        shard.write(b"x")
    ((_file, rule),) = problems(model)
    assert "but its own header demands" in rule


def test_a_shard_cut_in_its_header(model):
    (model / LAST).write_bytes((model / LAST).read_bytes()[:20])
    ((_file, rule),) = problems(model)
    assert rule.startswith("has a header that runs past its end")


def test_a_pointer_of_git(model):
    (model / LAST).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    found = directory.check(str(model))
    assert found.problems[0].rule == "is a git-lfs pointer and not the file itself"
    assert "git lfs pull" in found.problems[0].fix


def test_a_shard_of_another_model(model):
    """Of the right length for itself, but without the tensors that the index says."""
    (model / LAST).write_bytes(safetensors.serialize([safetensors.Tensor("other", (1,), b"\0\0")]))
    assert problems(model) == [(LAST, "lacks 1 tensors of the index, such as c")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "has no weight_map"),
        ('{"weight_map": {}}', "has no weight_map"),
        ('{"weight_map": {"a": "../../etc/passwd"}}', "names '../../etc/passwd', which is no file beside it"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "names '/etc/passwd', which is no file beside it"),
        ('{"weight_map": {"a": ".."}}', "names '..', which is no file beside it"),
        ('{"weight_map": {"a": 1}}', "names '1', which is no file beside it"),
        ('{"weight_map": {"a": ""}}', "names '', which is no file beside it"),
    ],
)
def test_a_damaged_index(model, text, rule):
    (model / INDEX).write_text(text)
    ((file, found),) = problems(model)
    assert file == INDEX
    assert found.startswith(rule)


def test_an_index_that_is_no_text(model):
    (model / INDEX).write_bytes(b"\xff\xfe\x00")
    assert problems(model) == [(INDEX, "is no text")]


def test_numbers_tell_of_shards_where_no_index_does(model):
    (model / INDEX).unlink()
    assert problems(model) == []
    (model / LAST).unlink()
    assert problems(model) == [(LAST, "is missing")]


def test_another_index_beside_the_usual_one_does_not_count(model):
    """Mistral's own format is often left out of a download, its index not."""
    (model / "consolidated.safetensors.index.json").write_text('{"weight_map": {"x": "consolidated.safetensors"}}')
    assert problems(model) == []
    (model / INDEX).unlink()
    assert problems(model) == [("consolidated.safetensors", "is missing")]


@pytest.mark.parametrize(("text", "rule"), [(None, "is missing"), ("", "is not JSON"), ("[1]", "is not a JSON object")])
def test_no_configuration(model, text, rule):
    (model / "config.json").unlink()
    if text is not None:
        (model / "config.json").write_text(text)
    ((file, found),) = problems(model)
    assert file == "config.json"
    assert found.startswith(rule)


def test_no_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    assert problems(tmp_path) == [("model.safetensors", "is missing, and so is every other file of weights")]
    assert directory.check(str(tmp_path)).kind == "none"


@pytest.mark.parametrize("name", ["x.incomplete", "y.parallel_tmp", "z.aria2"])
def test_leftovers_are_told_but_do_not_count(model, name):
    (model / ".cache" / "huggingface" / "download").mkdir(parents=True)
    (model / ".cache" / "huggingface" / "download" / name).write_text("1")
    found = directory.check(str(model))
    assert found.complete
    assert found.leftovers == (f".cache/huggingface/download/{name}",)


@pytest.mark.parametrize("path", ["absent", "config.json"])
def test_what_is_no_directory(model, path):
    with pytest.raises(ModelError) as caught:
        directory.check(str(model / path))
    assert "cannot be listed" in caught.value.rule


class TestPickles:
    @pytest.fixture
    def model(self, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        for at in (1, 2):
            with zipfile.ZipFile(tmp_path / f"pytorch_model-0000{at}-of-00002.bin", "w") as content:
                content.writestr("archive/data.pkl", b"x" * 100)
        names = {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": names}))
        return tmp_path

    def test_a_complete_one(self, model):
        found = directory.check(str(model))
        assert (found.complete, found.kind, found.tensor_bytes) == (True, "pickle", None)

    def test_a_missing_shard(self, model):
        (model / "pytorch_model-00002-of-00002.bin").unlink()
        assert problems(model) == [("pytorch_model-00002-of-00002.bin", "is missing")]

    def test_a_truncated_shard(self, model):
        shard = model / "pytorch_model-00002-of-00002.bin"
        shard.write_bytes(shard.read_bytes()[:-10])
        ((file, rule),) = problems(model)
        assert (file, rule[:10]) == (shard.name, "is cut off")

    def test_safetensors_beside_them_are_what_engines_take(self, model):
        (model / "model.safetensors").write_bytes(safetensors.serialize([]))
        found = directory.check(str(model))
        assert (found.kind, found.shards) == ("safetensors", ("model.safetensors",))
