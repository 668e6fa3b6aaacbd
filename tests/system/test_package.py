"""What is in the .deb: for both architectures and both Pythons, nothing that a site edits, the same whoever builds it.

Whether it installs and runs is the question of the tests of whole machines.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.system.built import CHECKOUT, build, built

pytestmark = pytest.mark.slow

MODULES = "usr/lib/ocpp-gateway"
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}


@pytest.fixture(scope="session")
def built_packages() -> dict[str, Path]:
    """The .deb of each architecture."""
    return built()


@pytest.fixture(scope="session")
def trees(built_packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each package unpacked, with its DEBIAN folder."""
    unpacked = {}
    for architecture, deb in built_packages.items():
        unpacked[architecture] = tmp_path_factory.mktemp(architecture) / "tree"
        subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(unpacked[architecture])], check=True)
    return unpacked


def field(deb: Path, name: str) -> str:
    """A field of the package's control file."""
    return subprocess.run(["dpkg-deb", "-f", str(deb), name], capture_output=True, text=True, check=True).stdout.strip()


def digest(file: Path) -> str:
    """The file's SHA-256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_every_unit_program_and_page_is_where_it_belongs(trees: dict[str, Path]) -> None:
    for tree in trees.values():
        for unit in (CHECKOUT / "systemd").glob("*.service"):
            assert (tree / "usr/lib/systemd/system" / unit.name).read_bytes() == unit.read_bytes()
            started = re.findall(r"^Exec\w+=[-+!@:]*(/usr/\S+)", unit.read_text(), re.MULTILINE)
            assert all((tree / program[1:]).stat().st_mode & 0o111 for program in started), unit.name
        for place in (
            "usr/bin/ocpp-gateway", "usr/bin/ocpp-gateway-ftpd", "usr/libexec/ocpp-gateway/start",
            "usr/share/man/man1/ocpp-gateway.1.gz", "usr/share/man/man5/gateway.toml.5.gz",
            "usr/share/man/man8/ocpp-gateway-ftpd.8.gz", "usr/share/bash-completion/completions/ocpp-gateway",
            "usr/share/zsh/vendor-completions/_ocpp-gateway", "usr/lib/modules-load.d/ocpp-gateway.conf",
            "usr/lib/sysusers.d/ocpp-gateway.conf", "usr/lib/tmpfiles.d/ocpp-gateway.conf",
            f"{MODULES}/gateway/pages/static/vendor/htmx.min.js", f"{MODULES}/babel/locale-data/root.dat",
            f"{MODULES}/gateway/__main__.py", f"{MODULES}/firmware_store/__init__.py",
        ):  # fmt: skip
            assert (tree / place).is_file(), place
        assert digest(tree / "usr/share/ocpp-gateway/gateway.toml") == digest(CHECKOUT / "docs/gateway.toml")
        assert not (tree / "lib").exists()


def test_it_is_small_enough_for_a_controller(trees: dict[str, Path]) -> None:
    for tree in trees.values():
        languages = {file.name[:2] for file in (tree / MODULES / "babel/locale-data").iterdir()}
        assert languages == {"de", "en", "fr", "nl", "ro"}  # ro: root.dat
        assert not (tree / "usr/share/doc/ocpp-gateway/docs/pictures").exists()


def test_no_file_of_the_package_is_one_that_a_site_edits(trees: dict[str, Path]) -> None:
    for tree in trees.values():
        assert not (tree / "DEBIAN/conffiles").exists()
        assert not [file for file in (tree / "etc").rglob("*") if file.is_file() and not file.is_symlink()]


def test_extension_modules_are_of_the_architecture_and_of_both_pythons(trees: dict[str, Path]) -> None:
    for architecture, tree in trees.items():
        names = [file.name for file in (tree / MODULES).rglob("*.so")]
        of_one_python = {"311": set[str](), "313": set[str]()}
        for name in names:
            if found := re.fullmatch(r"(.+)\.cpython-(\d+)-(\w+)-linux-gnu\.so", name):
                assert found[3] == MACHINE[architecture]
                of_one_python[found[2]].add(found[1])
        assert of_one_python["311"] == of_one_python["313"] and len(of_one_python["311"]) > 10
        for file in (tree / MODULES).rglob("*.so"):
            assert file.read_bytes()[18] == {"amd64": 0x3E, "arm64": 0xB7}[architecture], file


def test_what_is_vendored_is_what_the_lock_files_name(trees: dict[str, Path]) -> None:
    locks = "".join((CHECKOUT / name).read_text() for name in ("requirements.lock", "requirements-deb.lock"))
    pinned = {
        f"{name.lower().replace('-', '_')}-{version}"
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", locks, re.MULTILINE)
    }
    for tree in trees.values():
        shipped = {folder.name.removesuffix(".dist-info").lower() for folder in (tree / MODULES).glob("*.dist-info")}
        own = next(name for name in shipped if name.startswith("ocpp_gateway-"))
        assert shipped - {own} == pinned
        copyright_file = (tree / "usr/share/doc/ocpp-gateway/copyright").read_text()
        for folder in (tree / MODULES).iterdir():
            if folder.is_dir() and folder.name not in {"gateway", "firmware_store"} and "." not in folder.name:
                assert f"/usr/lib/ocpp-gateway/{folder.name}/*" in copyright_file, folder.name


def test_nothing_compiled_no_test_and_no_trace_of_the_builder(trees: dict[str, Path]) -> None:
    for tree in trees.values():
        names = [str(file.relative_to(tree)) for file in tree.rglob("*")]
        assert not [name for name in names if re.search(r"\.pyc$|__pycache__|/tests?/|/RECORD$|/INSTALLER$", name)]
        told = str(CHECKOUT).encode()
        assert not [name for name in names if (tree / name).is_file() and told in (tree / name).read_bytes()]


def test_what_it_depends_on_is_on_both_releases(built_packages: dict[str, Path]) -> None:
    for deb in built_packages.values():
        assert field(deb, "Recommends") == ""  # an installation without a network would look for them in vain
        needed = {re.split(r"[ (:]", one.strip())[0] for one in field(deb, "Depends").split(",")}
        assert needed <= {"systemd", "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "python3", "tzdata"}


def test_the_program_of_the_package_runs_from_its_folder(trees: dict[str, Path]) -> None:
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    code = (
        f"import sys; sys.path.insert(0, {str(trees[native] / MODULES)!r});"
        "from gateway.__main__ import main; sys.exit(main(['--version']))"
    )
    told = subprocess.run(["/usr/bin/python3", "-ISB", "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == f"ocpp-gateway {(trees[native] / MODULES / 'VERSION').read_text().strip()}"


def test_lintian_has_nothing_to_say(built_packages: dict[str, Path]) -> None:
    command = ["lintian", "--no-cfg", "--allow-root", "--fail-on=error,warning"]
    started = [
        subprocess.Popen([*command, str(deb.with_suffix(".changes"))], stdout=subprocess.PIPE, text=True)
        for deb in built_packages.values()
    ]
    told = [(lintian.communicate()[0], lintian.returncode) for lintian in started]
    assert [code for _, code in told] == [0] * len(started), told
    assert not list((CHECKOUT / "debian").rglob("*lintian-overrides"))


def test_who_builds_and_when_and_where_leaves_no_trace(built_packages: dict[str, Path], tmp_path: Path) -> None:
    """Another folder, umask, home, time zone, and a clock 400 days ahead: byte for byte the same package."""
    other = {"HOME": tmp_path / "home", "TMPDIR": tmp_path / "work"}
    for folder in other.values():
        folder.mkdir()
    under = ("sh", "-c", 'umask 0077; exec faketime -f +400d "$@"', "sh")
    places = {name: str(folder) for name, folder in other.items()}
    [again] = build("amd64", out=tmp_path / "out", under=under, TZ="Pacific/Kiritimati", LANG="C", **places)
    assert digest(again) == digest(built_packages["amd64"])
