#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: tests/run/setup.sh [COMMAND...]
# Makes sure that COMMANDs, git and a fit Python are there (packages.sh), and .venv with the pinned requirements.
# A .venv whose requirements have not changed is left as it is.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"

./tests/run/packages.sh git python "$@"
python=$(./tests/run/find_python.sh) || {
    echo 'setup: no Python 3.11 to 3.13 with venv. Fix: install one and set PYTHON=/path/to/it' >&2
    exit 1
}

# One make at a time builds the environment; the others wait, then find it ready.
mkdir -p .cache
exec 9>.cache/setup.lock
flock 9

base="$root $("$python" -c 'import sys; print(*sys.version_info[:3])')"
wanted=$({ echo "$base"; cat requirements/uv.txt requirements/test.txt; } | sha256sum)
[ "$(cat .venv/requirements.sha256 2>/dev/null)" != "$wanted" ] || exit 0

echo "setup: making .venv with $python" >&2
# An environment that was moved or whose Python changed is of no use; one with other pins is brought up to date.
if [ "$(cat .venv/base 2>/dev/null)" != "$base" ]; then
    "$python" -m venv --clear .venv
    echo "$base" >.venv/base
fi
.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements/uv.txt
settings=$(.venv/bin/python tests/run/pip_settings.py)
eval "$settings"
.venv/bin/uv pip sync --quiet --python .venv/bin/python requirements/test.txt
echo "$wanted" >.venv/requirements.sha256
