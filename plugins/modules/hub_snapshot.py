#!/usr/bin/python
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Download a model from a hub."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hub_snapshot
short_description: Download a model from a hub
version_added: 0.1.0
description:
  - Downloads a model repository into a directory with Hugging Face's own C(hf), from the Hugging Face Hub or a mirror.
  - When the download is complete, a hidden file in the directory records the revision and the size of every file. As
    long as they agree nothing is downloaded and the hub is not asked.
  - A download that was cut off is finished by the next run. Whole files are kept.
options:
  source:
    description: Repository, C(owner/name).
    type: str
    required: true
  revision:
    description:
      - Commit, branch or tag. Name a commit to have the same files on every host at any time.
      - Unset means the newest at the first download. It is not renewed later.
    type: str
  path:
    description: Directory of the model.
    type: path
    required: true
  hf:
    description: The C(hf) program.
    type: path
    required: true
  endpoint:
    description: Address of a mirror of the hub.
    type: str
  token:
    description: Token for private and gated models. It reaches C(hf) by its process environment alone.
    type: str
  timeout:
    description: Seconds that the download may take.
    type: int
    default: 86400
attributes:
  check_mode:
    support: full
    description: Says whether there is something to download. The hub is not asked.
  diff_mode:
    support: full
    description: Shows the files that come, with their sizes. In check mode it cannot know them.
  idempotent:
    support: full
    description: A complete download is left alone.
author:
  - The vllm.cluster authors (@vllm-cluster)
"""

EXAMPLES = r"""
- name: Download a model
  vllm.cluster.hub_snapshot:
    source: Qwen/Qwen2.5-0.5B-Instruct
    revision: 7ae557604adf67be50417f59c2c2f167def9a775
    path: /var/lib/vllm/models/Qwen--Qwen2.5-0.5B-Instruct
    hf: /opt/vllm/envs/vllm-0.32.0-cpu/bin/hf
"""

RETURN = r"""
path:
  description: Directory of the model.
  returned: always
  type: str
reason:
  description: Why there was something to download, or null.
  returned: always
  type: str
"""

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vllm.cluster.plugins.module_utils.models import hub


def run_hf(module, snapshot, directory, *more):
    params = module.params
    timeout = module.get_bin_path("timeout", required=True)
    argv = [*hub.download_arguments(params["hf"], snapshot, str(directory)), *more]
    rc, out, err = module.run_command(
        [timeout, "--kill-after=10", str(params["timeout"]), *argv],
        environ_update=hub.download_variables(params["endpoint"], params["token"]),
        expand_user_and_vars=False,
    )
    if rc == 124:  # coreutils timeout
        module.fail_json(msg=f"Download of {snapshot.source} took over {params['timeout']} s. Fix: raise timeout.")
    if rc != 0:
        module.fail_json(msg=f"Download of {snapshot.source} to {directory} failed: {hub.explain(out + err)}")


def download(module, snapshot, directory):
    """Bring the files; the marker comes last."""
    if not os.access(module.params["hf"], os.X_OK):
        module.fail_json(
            msg=f"There is no hf program at {module.params['hf']}. Fix: make the environment first (role python_env)."
        )
    # Without a way to the hub, hf takes any directory with files in it for the download and reports success. Its dry
    # run does not. Nor does hf notice a file that was cut short.
    run_hf(module, snapshot, directory, "--dry-run")
    for name in hub.damaged(directory):
        (directory / name).unlink(missing_ok=True)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hub.MARKER).unlink(missing_ok=True)
    run_hf(module, snapshot, directory)
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(hub.marker_text(snapshot, hub.file_sizes(directory)))
    os.chmod(name, 0o644)
    module.atomic_move(name, str(directory / hub.MARKER))


def listing(directory):
    return "".join(f"{name} {size}\n" for name, size in sorted(hub.file_sizes(directory).items()))


def main():
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True},
            "revision": {"type": "str"},
            "path": {"type": "path", "required": True},
            "hf": {"type": "path", "required": True},
            "endpoint": {"type": "str"},
            "token": {"type": "str", "no_log": True},
            "timeout": {"type": "int", "default": 86400},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # engines run as another user
    snapshot = hub.Snapshot(module.params["source"], module.params["revision"])
    directory = Path(module.params["path"])
    try:
        reason = hub.missing(snapshot, directory)
        before = after = listing(directory)
        if reason is not None:
            if module.check_mode:
                after = f"{snapshot.source} at {snapshot.revision or 'the newest revision'}\n"
            else:
                download(module, snapshot, directory)
                after = listing(directory)
    except OSError as failure:
        module.fail_json(msg=f"Could not write the model {directory}: {failure}")
    module.exit_json(
        changed=reason is not None,
        path=str(directory),
        reason=reason,
        diff={"before_header": str(directory), "after_header": str(directory), "before": before, "after": after},
    )


if __name__ == "__main__":
    main()
