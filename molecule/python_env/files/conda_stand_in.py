# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the command `conda`: its command line is ours, what it does is py-rattler's.

It knows `conda --version` and `conda create`, and of a condarc what the collection writes there. As conda does, it
wipes a directory that is there without a word: whoever calls it must know.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib" / "rattler"))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("--version", action="version", version="conda 0 (stand-in)")
    create = parser.add_subparsers(dest="command", required=True).add_parser("create")
    create.add_argument("--prefix", type=Path, required=True)
    create.add_argument("--channel", action="append", default=[])
    for flag in ("--yes", "--json", "--no-default-packages", "--override-channels", "--dry-run"):
        create.add_argument(flag, action="store_true")
    create.add_argument("specs", nargs="+")
    return parser.parse_args()


def condarc() -> dict:
    """The user's settings, and those of the file that CONDARC names over them. Both hold JSON, which is YAML."""
    files = [Path.home() / ".condarc", Path(os.environ.get("CONDARC", "/nowhere"))]
    found: dict = {}
    for file in files:
        if file.is_file():
            found.update(json.loads(file.read_text()))
    return found


def channels(chosen: argparse.Namespace, settings: dict) -> list[str]:
    """Addresses of the channels. A user's own are asked too, unless told otherwise, as conda does."""
    home = Path.home() / ".condarc"
    own = json.loads(home.read_text()).get("channels", []) if home.is_file() else []
    names = [*chosen.channel, *([] if chosen.override_channels else own)]
    several = settings.get("custom_multichannels", {})
    addresses = [address for name in names for address in several.get(name, [name])]
    alias = settings.get("channel_alias", "https://conda.anaconda.org").rstrip("/")
    return [address if "://" in address else f"{alias}/{address}" for address in addresses]


async def create(chosen: argparse.Namespace) -> dict:
    import rattler

    settings = condarc()
    strict = settings.get("channel_priority") == "strict"
    priority = rattler.ChannelPriority.Strict if strict else rattler.ChannelPriority.Disabled
    packages = Path(settings["pkgs_dirs"][0])
    records = await rattler.solve(
        channels(chosen, settings),
        [rattler.MatchSpec(spec) for spec in chosen.specs],
        gateway=rattler.Gateway(cache_dir=packages / "cache"),
        platforms=["linux-64", "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
        channel_priority=priority,
        add_pip_as_python_dependency=settings.get("add_pip_as_python_dependency", True),
    )
    if not chosen.dry_run:
        if chosen.prefix.exists():
            shutil.rmtree(chosen.prefix)
        await rattler.install(records, chosen.prefix, cache_dir=packages, show_progress=False)
        (chosen.prefix / "conda-meta" / "history").touch()
    linked = [{"name": r.name.source, "version": str(r.version), "build_string": str(r.build)} for r in records]
    return {"success": True, "prefix": str(chosen.prefix), "actions": {"LINK": linked}}


def main() -> int:
    chosen = options()
    try:
        answer = asyncio.run(create(chosen))
    except Exception as error:
        print(json.dumps({"error": str(error), "message": str(error), "exception_name": type(error).__name__}))
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
