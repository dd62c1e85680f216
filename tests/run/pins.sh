#!/bin/sh
# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Resolves requirements/*.in to fully pinned requirements/*.txt, for every Python each of them serves.
set -eu
cd "$(dirname -- "$0")/../../requirements"

compile() { # name, lowest Python
    uv pip compile --quiet --universal --no-annotate --custom-compile-command "make pins" \
        --python-version "$2" --output-file "$1.txt" "$1.in"
}

compile test 3.11
compile unit-2.19 3.11
compile processes 3.11
compile unit-2.20 3.12
compile unit-2.21 3.12
compile unit-target 3.9
# run.txt takes its versions from test.txt: one control node, whichever of the two was installed.
uv pip compile --quiet --universal --no-annotate --custom-compile-command "make pins" \
    --python-version 3.11 --constraint test.txt --output-file run.txt run.in
