#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a complete, tiny, random model that real engines load."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tiny_model
short_description: Write a complete, tiny, random model that real engines load
version_added: 0.1.0
description:
  - Writes a Qwen2 of 0.8 million random weights (1.6 MB) with tokenizer and chat template, for labs, demos and tests.
  - Its answers are nonsense made of English words. The same prompt gives the same answer at temperature 0, and the
    answer depends on everything in the prompt, so that a lost or mixed-up KV cache shows.
  - Four layers and four heads divide over two or four GPUs or hosts. The context is 2048 tokens long.
  - Needs nothing but Python on the host and takes about a second.
options:
  path:
    description: Directory of the model. Directories above it are made too.
    type: path
    required: true
  seed:
    description: Number that the weights follow from. Equal seeds give equal bytes on every host.
    type: int
    default: 10
attributes:
  check_mode:
    support: full
    description: Says whether files would be written.
  diff_mode:
    support: full
    description: Shows the SHA-256 digests of the files that change.
  idempotent:
    support: full
    description: Files that are as they should be are left alone, a damaged or missing one is written again.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Write the tiny model
  vllm.cluster.tiny_model:
    path: /var/lib/vllm/models/lab--tiny
"""

RETURN = r"""
path:
  description: Directory of the model.
  returned: always
  type: str
written:
  description: Files that were missing or different, by name.
  returned: always
  type: list
  elements: str
  sample: [config.json, model.safetensors]
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.models.tiny import DEFAULT_SEED, GENERATION, model_files

MANIFEST = ".vllm-tiny-model.json"


def digests(directory, names):
    """SHA-256 of each file that is there."""
    result = {}
    for name in names:
        try:
            result[name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        except FileNotFoundError:
            continue
    return result


def read_manifest(directory):
    """What an earlier run promised to write, or None."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        return manifest if isinstance(manifest["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(module, path, content):
    """Under its final name a file is always whole."""
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    os.chmod(name, 0o644)
    module.atomic_move(name, str(path))


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "seed": {"type": "int", "default": DEFAULT_SEED},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # engines run as another user
    directory = Path(module.params["path"])
    identity = {"generation": GENERATION, "seed": module.params["seed"]}
    try:
        manifest = read_manifest(directory)
        if manifest and {key: manifest.get(key) for key in identity} == identity:
            if digests(directory, manifest["files"]) == manifest["files"]:
                module.exit_json(changed=False, path=str(directory), written=[])
        elif manifest is None and directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            module.fail_json(
                msg=f"{directory} is not empty and holds no model of this module; it is left alone. "
                "Fix: empty it, or give another path."
            )
        contents = model_files(module.params["seed"])
        wanted = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        there = digests(directory, wanted)
        written = sorted(name for name in wanted if there.get(name) != wanted[name])
        if not module.check_mode:
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            # The manifest goes first: it is what makes the directory ours if this run is cut off here.
            write(module, directory / MANIFEST, json.dumps({**identity, "files": wanted}, indent=2).encode())
            for name in written:
                write(module, directory / name, contents[name])
    except OSError as failure:
        module.fail_json(msg=f"Could not write the model {directory}: {failure}")
    lines = ["".join(f"{name} sha256:{known[name]}\n" for name in sorted(known)) for known in (there, wanted)]
    module.exit_json(
        changed=True,
        path=str(directory),
        written=written,
        diff={"before_header": str(directory), "after_header": str(directory), "before": lines[0], "after": lines[1]},
    )


if __name__ == "__main__":
    main()
