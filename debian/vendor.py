"""Vendored packages of the .deb: `download` fetches what the lock files name, `unpack` lays it into the module folder.

It decides which files of a wheel ship. Only `download` uses the network. Nothing of the target is executed, so a
machine builds for every architecture; the wheels of all Pythons lie side by side, because the names of extension
modules tell their Python. It does not know what the gateway itself ships (debian/rules).
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PYTHONS = ("3.11", "3.13")  # of Debian 12 and 13
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
NEWEST_GLIBC = 36  # 2.36 is Debian 12's
# packages without a wheel, all of Python: the folder of the source archive that is the package
SOURCES = {"pyftpdlib": "pyftpdlib"}
LANGUAGES = ("en", "de", "nl", "fr")  # of the page, with all their regions; the other 30 MB of Babel's data stay away

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LEFT_OUT_FOLDERS = {"tests", "test", "licenses", "sboms"}
# the second way in which zstandard can be called, and the web page of a simulator
_LEFT_OUT_PATHS = ("zstandard/_cffi.", "zstandard/backend_cffi.py", "pymodbus/server/simulator/")
_LEFT_OUT_NAMES = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "top_level.txt", "entry_points.txt"}
_LEFT_OUT_SUFFIXES = {".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cpp", ".pyc", ".typed", ".hash", ".rst"}
_LOCALES = "babel/locale-data/"
_KEPT_LOCALE = re.compile(rf"(root|{'|'.join(LANGUAGES)})(_\w+)?\.dat")
LICENCE = re.compile(r"^(licen[cs]e|copying|notice|authors|edl-)", re.IGNORECASE)


Pins = dict[str, tuple[str, set[str]]]
Files = Iterator[tuple[PurePosixPath, bytes]]


class Unfit(Exception):
    """What was found must not ship."""


def main(words: list[str]) -> int:
    """`download ARCHITECTURE WHEELS LOCK...` or `unpack ARCHITECTURE WHEELS TARGET LOCK...`."""
    match words:
        case ["download", architecture, wheels, *locks]:
            download(architecture, Path(wheels), pins(locks))
        case ["unpack", architecture, wheels, target, *locks]:
            unpack(architecture, Path(wheels), Path(target), pins(locks))
        case _:
            print(main.__doc__, file=sys.stderr)
            return 2
    return 0


def pins(locks: list[str]) -> Pins:
    """Version and accepted hashes of each package in the lock files."""
    found: Pins = {}
    name = ""
    for line in "\n".join(Path(lock).read_text(encoding="utf-8") for lock in locks).splitlines():
        if pinned := _PINNED.match(line):
            name = normal(pinned[1])
            found[name] = (pinned[2], set())
            if ";" in line:
                raise Unfit(f"{name} has a condition, which nothing here reads")
        for digest in _HASH.findall(line):
            found[name][1].add(digest)
    return found


def normal(name: str) -> str:
    """A package's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def download(architecture: str, wheels: Path, wanted: Pins) -> None:
    """Fetch the wheels for every Python, and the sources of packages that have none."""
    for python in PYTHONS:
        folder = _folder(wheels, architecture, python)
        folder.mkdir(parents=True, exist_ok=True)
        platforms = [f"manylinux_2_{minor}_{MACHINES[architecture]}" for minor in range(NEWEST_GLIBC, 4, -1)]
        options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
        options += [f"--platform={platform}" for platform in (*platforms, f"manylinux2014_{MACHINES[architecture]}")]
        _pip_download({name: pin for name, pin in wanted.items() if name not in SOURCES}, folder, options)
    sources = [f"--no-binary={name}" for name in SOURCES]
    _pip_download({name: pin for name, pin in wanted.items() if name in SOURCES}, wheels / "sources", sources)


def _pip_download(wanted: Pins, folder: Path, options: list[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as part:
        for name, (version, hashes) in wanted.items():
            part.write(f"{name}=={version} " + " ".join(f"--hash=sha256:{one}" for one in sorted(hashes)) + "\n")
        part.flush()
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        fixed = ["--no-deps", "--require-hashes", "--requirement", part.name, "--dest", str(folder)]
        subprocess.run([*pip, *fixed, *options], check=True)


def unpack(architecture: str, wheels: Path, target: Path, wanted: Pins) -> None:
    """Lay every package of the lock files into `target`; one that is missing, unknown or differing ends the build."""
    for python in PYTHONS:
        for name in sorted(wanted):
            _lay(everything_of(architecture, python, wheels, name, wanted), target, name)


def everything_of(architecture: str, python: str, wheels: Path, name: str, wanted: Pins) -> Files:
    """Every file of a package for this Python, as in an installation; only a file with a pinned hash is opened."""
    version, hashes = wanted[name]
    if name in SOURCES:
        return _of_source(_pinned(wheels / "sources", f"{name}-{version}.tar.gz", hashes), SOURCES[name])
    file = f"{name.replace('-', '_')}-{version}-*.whl"
    return _of_wheel(_pinned(_folder(wheels, architecture, python), file, hashes))


def _folder(wheels: Path, architecture: str, python: str) -> Path:
    return wheels / f"{architecture}-{python}"


def _pinned(folder: Path, pattern: str, hashes: set[str]) -> Path:
    for file in sorted(folder.glob(pattern)):
        if hashlib.sha256(file.read_bytes()).hexdigest() in hashes:
            return file
    raise Unfit(f"no {pattern} in {folder} has a hash of the lock files")


def _of_wheel(wheel: Path) -> Files:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if entry.is_dir() or path.parts[0].endswith(".data"):  # scripts and headers
                continue
            yield path, archive.read(entry)


def _of_source(source: Path, folder: str) -> Files:
    about = PurePosixPath(source.name.removesuffix(".tar.gz") + ".dist-info")
    with tarfile.open(source) as archive:
        for member in archive:
            inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if str(inside) == "PKG-INFO":
                yield about / "METADATA", content.read()
            elif LICENCE.match(str(inside)):
                yield about / inside, content.read()
            elif inside.parts[0] == folder:
                yield inside, content.read()


def _lay(files: Files, target: Path, origin: str) -> None:
    for path, content in files:
        if not _ships(path):
            continue
        if path.suffix == ".py" and content.startswith(b"#!"):  # nothing here is a command; the line's place stays
            content = b"#" + content[content.index(b"\n") :]
        place = target.joinpath(*path.parts)
        if place.exists() and place.read_bytes() != content:
            raise Unfit(f"{path} of {origin} is not the same for every Python")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o644)


def _ships(path: PurePosixPath) -> bool:
    if ".." in path.parts or path.is_absolute():
        raise Unfit(f"odd path {path}")
    if _LEFT_OUT_FOLDERS & set(path.parts[:-1]) or path.name in _LEFT_OUT_NAMES:
        return False
    if (
        str(path).startswith(_LEFT_OUT_PATHS)
        or path.suffix in _LEFT_OUT_SUFFIXES
        or (path.suffix == ".so" and path.name.startswith("_test"))
    ):
        return False
    if str(path).startswith(_LOCALES) and not _KEPT_LOCALE.fullmatch(path.name):
        return False
    return not (path.parts[0].endswith(".dist-info") and LICENCE.match(path.name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
