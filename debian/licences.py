"""The copyright file of the .deb: debian/copyright with a paragraph for every vendored package, from its own wheel.

A package that brings no text of its licence must have its paragraph in debian/copyright, or the build ends. What
Debian keeps in /usr/share/common-licenses is named, not repeated. It does not judge whether licences go together.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from vendor import LICENCE, Pins, Unfit, everything_of, pins

PYTHON = "3.11"
# where the metadata holds no expression
EXPRESSIONS = {
    "aiohappyeyeballs": "PSF-2.0",
    "aiosignal": "Apache-2.0",
    "aiosqlite": "MIT",
    "babel": "BSD-3-Clause",
    "frozenlist": "Apache-2.0",
    "jinja2": "BSD-3-Clause",
    "ocpp": "MIT",
    "propcache": "Apache-2.0",
    "pyasynchat": "PSF-2.0",
    "pyasyncore": "PSF-2.0",
    "pyftpdlib": "MIT",
    "pymodbus": "BSD-3-Clause",
    "pyopenssl": "Apache-2.0",
    "segno": "BSD-3-Clause",
    "smllib": "GPL-3+",
    "uvloop": "MIT OR Apache-2.0",
    "yarl": "Apache-2.0",
}
# how a long text begins, and the file of common-licenses that holds it (nothing: the other licence is chosen)
COMMON = {"Apache License": "Apache-2.0", "GNU GENERAL PUBLIC LICENSE": "GPL-3", "Eclipse Public License": ""}
_LONG = 5000

_EXPRESSION = re.compile(r"^License-Expression: (.+)$", re.MULTILINE)
_HOLDER = re.compile(r"^\s*(?:Copyright|\(c\))\s*:?\s*((?:\(c\)|©|[12][09]\d\d).*)$", re.IGNORECASE | re.MULTILINE)
_AUTHOR = re.compile(r"^(?:Author|Maintainer)(?:-email)?: (.+)$", re.IGNORECASE | re.MULTILINE)


def main(words: list[str]) -> int:
    """`ARCHITECTURE WHEELS COPYRIGHT LOCK...`: print the copyright file."""
    architecture, wheels, own, *locks = words
    written = Path(own).read_text(encoding="utf-8")
    # of several paragraphs that fit a file, the last counts: those of single files stay behind those of their package
    head, single, rest = written.partition("\n\nFiles: /usr/lib/")
    found = paragraphs(architecture, Path(wheels), pins(locks), written)
    print("\n\n".join([head, *found]) + single + rest, end="")
    return 0


def paragraphs(architecture: str, wheels: Path, wanted: Pins, written: str) -> list[str]:
    """A paragraph for each vendored package that the written file leaves out."""
    found = []
    for name in sorted(wanted):
        files = {str(path): content for path, content in everything_of(architecture, PYTHON, wheels, name, wanted)}
        tops = sorted({path.split("/")[0] for path in files if ".dist-info/" not in path and ".data/" not in path})
        if not any(f"/usr/lib/ocpp-gateway/{top}/*" in written for top in tops):
            found.append(_paragraph(name, wanted[name][0], tops, files))
    return found


def _paragraph(name: str, version: str, tops: list[str], files: dict[str, bytes]) -> str:
    metadata = next(content.decode() for path, content in files.items() if path.endswith(".dist-info/METADATA"))
    head = metadata.partition("\n\n")[0]
    texts = [content.decode() for path, content in sorted(files.items()) if _is_licence(path)]
    if not texts:
        raise Unfit(f"{name} brings no text of its licence: it needs a paragraph in debian/copyright")
    expression = _EXPRESSION.search(head)
    if expression is None and name not in EXPRESSIONS:
        raise Unfit(f"nobody said which licence {name} has")
    shown = expression[1] if expression else EXPRESSIONS[name]
    holders = [one.strip() for text in texts if len(text) < _LONG for one in _HOLDER.findall(text)]
    authors = _AUTHOR.findall(head)[:1] or [f"the authors of {name}"]
    holders = list(dict.fromkeys(holders if len(texts) == len(holders) else [*authors, *holders]))
    lines = [
        "Files: "
        + "\n ".join(f"/usr/lib/ocpp-gateway/{top}{'' if top.endswith(('.py', '.so')) else '/*'}" for top in tops),
        "Copyright: " + "\n ".join(holders),
        "Comment: " + f"{name} {version}",
        "License: " + shown.replace(" OR ", " or ").replace(" AND ", " and "),
    ]
    return "\n".join([*lines, *_body(texts)])


def _is_licence(path: str) -> bool:
    return ".dist-info/" in path and LICENCE.match(path.rsplit("/", 1)[-1]) is not None


def _body(texts: list[str]) -> list[str]:
    """The text of a licence as a field's continuation lines."""
    lines: list[str] = []
    for text in texts:
        common = next((name for title, name in COMMON.items() if title in text[:400]), None)
        if common is not None and len(text) > _LONG:
            told = [f"On Debian systems the text is in /usr/share/common-licenses/{common}."] if common else []
        else:
            told = text.strip().splitlines()
        lines += [" ."] * bool(lines and told) + [f" {line.rstrip()}" if line.strip() else " ." for line in told]
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
