"""Other people's files in the page: unchanged, all listed, each with its licence, and calling no other host."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "gateway" / "pages" / "static" / "vendor"
ABOUT = {"README.md", "SHA256SUMS"}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_OTHER_HOST = re.compile(r"""(?:https?:|wss?:)//[\w.-]|["'(`]//[\w-]+\.\w|sourceMappingURL|@import""")


def sums() -> dict[str, str]:
    """The checksum of each file, as SHA256SUMS has it."""
    lines = (VENDORED / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def files() -> list[Path]:
    """Every file that somebody else wrote."""
    return sorted(file for file in VENDORED.rglob("*") if file.is_file() and file.name not in ABOUT)


def calls_elsewhere(text: str) -> list[str]:
    """The places in a script or style sheet, outside of comments, that name another host."""
    return [found[0] for found in _OTHER_HOST.finditer(_COMMENT.sub("", text))]


def table() -> dict[str, tuple[str, str, str]]:
    """Each file of README.md's table: version, licence file, npm package."""
    rows = [line.strip("|").split("|") for line in (VENDORED / "README.md").read_text().splitlines() if line[:1] == "|"]
    found = {}
    for _, version, names, licence, origin in rows[2:]:
        text = re.findall(r"`([^`]+)`", licence)[-1]
        package = re.findall(r"npm package (\S+)", origin)[-1]
        found.update({name: (version.strip(), text, package) for name in re.findall(r"`([^`]+)`", names)})
    return found


def test_every_file_is_listed_and_as_its_maker_published_it() -> None:
    found = {str(file.relative_to(VENDORED)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files()}
    assert found == sums()


def test_every_file_has_a_version_a_licence_and_a_source() -> None:
    listed = table()
    assert set(listed) == {file.name for file in files() if file.suffix != ".LICENSE"}
    for name, (version, licence, package) in listed.items():
        assert (VENDORED / licence).read_text().strip(), name
        assert re.fullmatch(rf"[a-z.]+@{re.escape(version)}", package), name
    assert {licence for _, licence, _ in listed.values()} == {
        file.name for file in files() if file.suffix == ".LICENSE"
    }


def test_no_file_calls_another_host() -> None:
    found = {file.name: calls_elsewhere(file.read_text()) for file in files() if file.suffix in (".js", ".css")}
    assert found and not {name: places for name, places in found.items() if places}


@pytest.mark.parametrize(
    "text",
    [
        'fetch("https://example.org/x")',
        'load("//cdn.example.org/x.js")',
        "a{background:url(//example.org/x.png)}",
        "new WebSocket(`ws://example.org`)",
        "/* fine */x;\n//# sourceMappingURL=x.map",
    ],
)
def test_a_call_to_another_host_is_seen(text: str) -> None:
    assert calls_elsewhere(text)


def test_the_copyright_file_of_the_package_has_every_licence() -> None:
    written = (ROOT / "debian" / "copyright").read_text()
    for file in files():
        if file.suffix != ".LICENSE":
            stem = file.name.split(".")[0]
            assert f"/usr/lib/ocpp-gateway/gateway/pages/static/vendor/{stem}.*" in written, file.name


def test_what_the_page_is_made_of_is_package_data() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["gateway"]
    assert {f"pages/{folder}/**" for folder in ("templates", "static", "locale")} <= set(data)
