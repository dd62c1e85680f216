# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, on a lab host, what stands in for NVIDIA's hardware and for its apt repositories, signed with a key of ours.

Packages are tiny. They have the names, versions and dependencies that matter, and DKMS really works on them; nothing in
them drives a GPU. In place of the kernel, their scripts write which version is loaded into ROOT, as loading a module
does in /sys. The repositories are served by a unit, nvidia-imitation.service, on port 8099 of loopback.
"""

from __future__ import annotations

import os
import pathlib
import platform

from apt_repository import INSTALL, built, control, index, make_key, package, public_key, run, serve

HOME = pathlib.Path("/srv/nvidia")
ROOT = HOME / "root"
LOADED = ROOT / "sys/module/nvidia/version"
SERVED = HOME / "www"
CUDA = SERVED / "compute/cuda/repos/debian12/x86_64"
TOOLKIT = SERVED / "libnvidia-container/stable/deb/amd64"
DRIVERS = ("570.133.20", "580.82.07", "580.95.05", "610.57.04")
LOCAL = "580.95.05"
KERNEL = platform.release()
DKMS = """PACKAGE_NAME="nvidia"
PACKAGE_VERSION="{version}"
BUILT_MODULE_NAME[0]="nvidia"
DEST_MODULE_LOCATION[0]="/updates/dkms"
MAKE[0]="cp nvidia.c nvidia.ko"
CLEAN="true"
STRIP[0]="no"
AUTOINSTALL="yes"
"""
# As the real one: without headers it ends well and builds nothing.
POSTINST = f"""#!/bin/sh
set -e
dkms add -m nvidia -v {{version}} || true
if [ -d /lib/modules/{KERNEL}/build ]; then
    dkms install -m nvidia -v {{version}} -k {KERNEL} --force
fi
# The kernel keeps what it has loaded until it boots.
mkdir -p {LOADED.parent}
[ -e {LOADED} ] || echo {{version}} > {LOADED}
"""
PRERM = """#!/bin/sh
dkms remove -m nvidia -v {version} --all || true
"""
SMI = f"""#!/bin/sh
# Stands in for nvidia-smi: one line a GPU, and 18 where library and module differ, as NVML has it.
loaded=$(cat {LOADED} 2>/dev/null) || exit 9
[ "$loaded" = {{version}} ] || exit 18
for gpu in {ROOT}/sys/bus/pci/devices/*; do
    [ "$(cat "$gpu/device")" = 0x2330 ] && echo {{version}}
done
exit 0
"""
UNIT = """[Unit]
Description=Stands in for {name}
[Service]
ExecStart=/usr/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


# What the kernel does at boot: it loads what DKMS built.
BOOT = f"""#!/bin/sh
dkms status -m nvidia | sed -n 's|nvidia/\\([^,]*\\),.*: installed.*|\\1|p' > {LOADED}
"""


def driver(folder, version):
    """The packages of one driver. As NVIDIA's on Debian, they ask each other for >=: APT alone mixes branches."""
    full, least = f"{version}-1", f"(>= {version}-1)"
    fill = {"version": version}
    for flavour, meta in (("-open", "nvidia-open"), ("", "cuda-drivers")):
        modules = f"nvidia-kernel{flavour}-dkms"
        package(folder, meta, full, f"{modules} {least}, nvidia-driver-cuda {least}")
        source = f"/usr/src/nvidia-{version}"
        files = {f"{source}/dkms.conf": DKMS.format(**fill), f"{source}/nvidia.c": "/* nothing */\n"}
        scripts = {"postinst": POSTINST.format(**fill), "prerm": PRERM.format(**fill)}
        package(folder, modules, full, "dkms", files, scripts=scripts)
    package(folder, "nvidia-driver-cuda", full, f"libcuda1 {least}", {"/usr/bin/nvidia-smi": SMI.format(**fill)})
    for name in ("libcuda1", "libnvidia-nscq", "libnvsdm"):
        package(folder, name, full)
    for name in ("nvidia-persistenced", "nvidia-fabricmanager"):
        files = {f"/lib/systemd/system/{name}.service": UNIT.format(name=name), f"/usr/bin/{name}": "#!/bin/sh\n"}
        package(folder, name, full, files=files)


def local_installer(key):
    """NVIDIA's local installer: a package that unpacks a repository, its list and its key, which nothing trusts yet."""
    where = "/var/cuda-repo-debian12-13-0-local"
    ring = f"/usr/share/keyrings/cuda-{key[-8:]}-keyring.gpg"
    inside = HOME / "build/local"
    driver(inside, LOCAL)
    index(inside, "NVIDIA CUDA", key)
    build = HOME / "build/installer"
    (build / "etc/apt/sources.list.d").mkdir(parents=True)
    (build / "DEBIAN").mkdir()
    (build / where.lstrip("/")).parent.mkdir(parents=True)
    inside.rename(build / where.lstrip("/"))
    line = f"deb [signed-by={ring}] file://{where} /\n"
    (build / "etc/apt/sources.list.d/cuda-debian12-13-0-local.list").write_text(line)
    (build / where.lstrip("/") / os.path.basename(ring)).write_bytes(run("gpg", "--export", key))
    name = "cuda-repo-debian12-13-0-local"
    (build / "DEBIAN/control").write_text(control(name, f"13.0.2-{LOCAL}-1"))
    folder = SERVED / "compute/cuda/13.0.2/local_installers"
    folder.mkdir(parents=True)
    built(build, folder / f"{name}_13.0.2-{LOCAL}-1_amd64.deb")


def hardware():
    """Two H100 and an NVSwitch on a PCI bus."""
    devices = (("19", "0x2330", "0x030200"), ("3b", "0x2330", "0x030200"), ("07", "0x22a3", "0x068000"))
    for bus, device, kind in devices:
        folder = ROOT / f"sys/bus/pci/devices/0000:{bus}:00.0"
        folder.mkdir(parents=True)
        for name, text in (("vendor", "0x10de"), ("device", device), ("class", kind)):
            (folder / name).write_text(f"{text}\n")


def main():
    hardware()
    ours, strangers = make_key("Imitation"), make_key("Stranger")
    for version in DRIVERS:
        driver(CUDA, version)
    headers = f"/usr/src/linux-headers-{KERNEL}"
    files = {f"{headers}/include/config/kernel.release": f"{KERNEL}\n", f"{headers}/Makefile": "all:\n"}
    package(CUDA, f"linux-headers-{KERNEL}", "1-1", files=files, links={f"/lib/modules/{KERNEL}/build": headers})
    real = next((HOME / "nvcc/lib").glob("python3*/site-packages/nvidia/*/bin/nvcc"))
    package(CUDA, "cuda-toolkit-13-5", "13.5.0-1", links={"/usr/local/cuda-13.5": str(real.parents[1])})
    for version in ("1.17.8-1", "1.18.0-1", "1.20.0-1"):
        for name in ("nvidia-container-toolkit-base", "libnvidia-container1", "libnvidia-container-tools"):
            package(TOOLKIT, name, version)
        package(TOOLKIT, "nvidia-container-toolkit", version, f"nvidia-container-toolkit-base (= {version})")
    index(CUDA, "NVIDIA CUDA", ours)
    index(TOOLKIT, "libnvidia-container", ours)
    public = public_key(ours)
    (CUDA / "3bf863cc.pub").write_bytes(public)
    (SERVED / "libnvidia-container/gpgkey").write_bytes(public)
    local_installer(ours)
    (HOME / "boot.sh").write_text(BOOT)
    units = pathlib.Path("/etc/systemd/system")
    (units / "nvidia-imitation-kernel.service").write_text(
        f"[Service]\nType=oneshot\nExecStart=/bin/sh {HOME}/boot.sh\n{INSTALL}"
    )
    serve(SERVED, "nvidia-imitation")
    run("systemctl", "enable", "nvidia-imitation-kernel")
    (HOME / "stranger").write_text(strangers)
    (HOME / "fingerprint").write_text(ours)


if __name__ == "__main__":
    main()
