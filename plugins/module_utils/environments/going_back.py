# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do when engines do not come up with a new environment."""

from __future__ import annotations

import re
import typing as t

_RELEASE = re.compile(r"/vllm-(?P<version>\d[^/-]*)-(cpu|cuda)(?P<more>-[^/]*)?$")


def advice(environments: t.Sequence[str]) -> str:
    """How to go back to one of these environments, by the variables that the plan made their names of."""
    found = [match for match in map(_RELEASE.search, environments) if match]
    versions = sorted({match["version"] for match in found})
    # A name with a digest is of more than a release: packages, another Ray, conda.
    if len(found) == len(environments) == 1 and not found[0]["more"]:
        how = f"with -e vllm_version={versions[0]}"
    else:
        how = f"with what was changed as it was before (vllm_version was one of {', '.join(versions) or 'those'})"
    return (
        f"To go back, run site.yml {how} -e vllm_allow_restart=true. Nothing is downloaded, "
        f"these environments are still there: {', '.join(environments)}"
    )
