"""What the virtual machine boots: Debian's cloud kernel, a tiny initrd, a disk with the package installed.

Everything is made once in `build/power` and used again: the tree of Debian 12 (`mmdebstrap`, with whatever mirror apt
uses here), the kernel (unpacked, never installed on the host), and one image per .deb. The machine has two ways to
boot: `SYSTEMD`, and `SMALL`, a shell script as process 1 that starts the daemon as the unit would, which takes half
the time.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
WORK = PROJECT / "build" / "power"
FILES = Path(__file__).parent / "files"
SYSTEMD, SMALL = "/sbin/init", "/usr/local/sbin/small-init"

_RELEASE = "bookworm"
_PACKAGES = "systemd,systemd-sysv,dbus,python3,udev,iproute2,init,ca-certificates,libstdc++6,tzdata"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio-rng")
_MEGABYTES = 700
_LZ4_LEGACY = bytes.fromhex("02214c18")
# what a machine of its own needs, and this one does not: half the time of a boot
_MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer "
    "getty@tty1.service getty-static.service serial-getty@ttyS0.service systemd-logind.service "
    "systemd-pcrphase.service "
    "systemd-networkd-wait-online.service systemd-tmpfiles-clean.timer systemd-update-utmp.service "
    "systemd-timesyncd.service "
    "systemd-update-utmp-runlevel.service systemd-udev-trigger.service systemd-udevd.service "
    "systemd-udevd-control.socket "
    "systemd-udevd-kernel.socket systemd-binfmt.service proc-sys-fs-binfmt_misc.automount"
)


@dataclass(frozen=True, slots=True)
class Bootable:
    """Kernel and initrd for QEMU."""

    kernel: Path
    initrd: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """A disk image with the package installed and configured, never booted, and a token for its API."""

    image: Path
    token: str


def bootable() -> Bootable:
    """The kernel as an uncompressed ELF file (QEMU starts it at once) and the initrd that mounts the disk."""
    made = Bootable(WORK / "vmlinux", WORK / "initrd")
    if made.kernel.exists() and made.initrd.exists():
        return made
    unpacked = WORK / "kernel"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    _run("apt-get", "download", "-q", _kernel_package(), cwd=unpacked)
    _run("dpkg", "-x", str(next(unpacked.glob("*.deb"))), "tree", cwd=unpacked)
    compressed = next((unpacked / "tree" / "boot").glob("vmlinuz-*")).read_bytes()
    begin = compressed.index(_LZ4_LEGACY)
    # behind the kernel come bytes that are not part of it: lz4 complains about them when all is written
    _run("lz4", "-d", "-q", "-", str(made.kernel), given=compressed[begin:], check=False)
    _make_initrd(unpacked / "tree", made.initrd)
    shutil.rmtree(unpacked)
    return made


def installed(deb: Path) -> Installed:
    """The image of `deb`, made at its first use."""
    digest = hashlib.sha256(deb.read_bytes() + b"".join(file.read_bytes() for file in sorted(FILES.iterdir())))
    digest.update(Path(__file__).read_bytes())
    directory = WORK / digest.hexdigest()[:16]
    made, token = directory / "disk.img", directory / "token"
    if not token.exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        tree = directory / "tree"
        _make_tree(tree)
        text = _install(tree, deb)
        _make_disk(tree, made)
        shutil.rmtree(tree)
        token.write_text(text)
    return Installed(made, token.read_text().strip())


def replace_in_image(image: Path, path: str, old: str, new: str) -> None:
    """Change a text of a file inside an image, in place."""
    text = subprocess.run(["debugfs", "-R", f"cat {path}", image], check=True, capture_output=True, text=True).stdout
    assert text.count(old) == 1, f"{old!r} is not once in {path}"
    changed = image.with_suffix(".changed")
    changed.write_text(text.replace(old, new))
    for request in (f"rm {path}", f"write {changed} {path}", f"set_inode_field {path} mode 0100644"):
        _run("debugfs", "-w", "-R", request, str(image))
    changed.unlink()


def put_into_image(image: Path, file: Path, path: str) -> None:
    """Copy a file of the host into an image."""
    _run("debugfs", "-w", "-R", f"write {file} {path}", str(image))


def _make_tree(tree: Path) -> None:
    packed = WORK / f"{_RELEASE}-{hashlib.sha256(_PACKAGES.encode()).hexdigest()[:8]}.tar"
    if not packed.exists():
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
        unfinished = packed.with_suffix(".unfinished.tar")
        include = f"--include={_PACKAGES}"
        _run("mmdebstrap", "--quiet", "--variant=minbase", include, *options, _RELEASE, str(unfinished), _mirror())
        unfinished.rename(packed)
    tree.mkdir()
    _run("tar", "xf", str(packed), "-C", str(tree))
    shutil.rmtree(tree / "var/lib/apt/lists")
    shutil.rmtree(tree / "var/cache/apt")


def _install(tree: Path, deb: Path) -> str:
    """Install and configure the package in the tree; the token."""
    (tree / "etc/hostname").write_text("box\n")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")  # else each boot is a first one
    target = tree / "etc/ocpp-gateway"
    target.mkdir(exist_ok=True)
    shutil.copy(FILES / "gateway.toml", target / "gateway.toml")
    shutil.copy(FILES / "network.service", tree / "etc/systemd/system/network.service")
    shutil.copy(FILES / "small-init", tree / SMALL.removeprefix("/"))
    (tree / SMALL.removeprefix("/")).chmod(0o755)
    shutil.copy(deb, tree / "package.deb")
    for unit in _MASKED.split():
        (tree / "etc/systemd/system" / unit).symlink_to("/dev/null")
    script = (
        "mount -t proc proc /proc; mount -t devtmpfs dev /dev; set -e; "
        "DEBIAN_FRONTEND=noninteractive dpkg -i /package.deb >&2; rm /package.deb; "
        "systemctl enable network.service ocpp-gateway >&2; chgrp -R ocpp-gateway /etc/ocpp-gateway; "
        f"runuser -u ocpp-gateway -- {token_command()}"
    )
    made = _run("unshare", "-m", "--propagation", "private", "chroot", str(tree), "sh", "-c", script)
    return made.stdout.decode().split()[-1]


def token_command() -> str:
    """Makes a token for whoever reads the API; its last word is the token."""
    return shlex.join(["ocpp-gateway", "token", "create", "--role", "installer", "--name", "power"])


def _make_disk(tree: Path, image: Path) -> None:
    with image.open("wb") as file:
        file.truncate(_MEGABYTES << 20)
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    _run("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-E", lazy, "-d", str(tree), str(image))


def _make_initrd(kernel: Path, initrd: Path) -> None:
    """Busybox, the modules between the kernel and its disk (dependencies first), and the script that mounts."""
    version = next((kernel / "lib/modules").iterdir()).name
    _run("depmod", "-b", str(kernel), version)
    tree = initrd.with_suffix(".tree")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "modules", "proc", "sys", "dev", "root"):
        (tree / name).mkdir(parents=True)
    shutil.copy("/usr/bin/busybox" if Path("/usr/bin/busybox").exists() else "/bin/busybox", tree / "bin/busybox")
    shutil.copy(FILES / "initrd-init", tree / "init")
    (tree / "init").chmod(0o755)
    for number, path in enumerate(_with_dependencies(kernel / "lib/modules" / version)):
        shutil.copy(path, tree / "modules" / f"{number:02}-{path.name}")
    packed = _run("sh", "-c", "find . | busybox cpio -o -H newc", cwd=tree).stdout
    initrd.write_bytes(packed)
    shutil.rmtree(tree)


def _with_dependencies(modules: Path) -> list[Path]:
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[Path(path).name.removesuffix(".ko")] = [path, *rest.split()]
    ordered: list[str] = []
    for name in _MODULES:
        ordered += reversed(needs[name])
    return [modules / path for path in dict.fromkeys(ordered)]


def _kernel_package() -> str:
    told = _run("apt-cache", "depends", "--important", "linux-image-cloud-amd64").stdout.decode()
    return next(line.split()[-1] for line in told.splitlines() if "Depends: linux-image-" in line)


def _mirror() -> str:
    form = "$(REPO_URI) $(CODENAME)"
    told = _run("apt-get", "indextargets", "--format", form, "Created-By: Packages").stdout.decode()
    return next(uri for uri, release in map(str.split, told.splitlines()) if release == _RELEASE)


def _run(
    *command: str, cwd: Path | None = None, given: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, cwd=cwd, input=given, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}: {done.stderr.decode(errors='replace')}")
    return done
