#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints the interpreter for .venv: the first that ansible-core 2.19 runs on, which `ansible` 12 holds, and that can
# make environments. Version managers leave commands on the PATH that answer "not installed", so each one is run.
set -eu
for python in "${PYTHON:-python3}" python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1; then
        command -v "$python"
        exit
    fi
done
exit 1
