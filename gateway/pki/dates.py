"""Certificates in files and when they end: the site's own, and whatever files the configuration names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.pki.authority import BrokenAuthority, generations, issuing_certificates
from gateway.pki.certificate_facts import CertificateFacts, Unreadable, facts_in, facts_of
from gateway.pki.server_certificates import server_certificate_files


@dataclass(frozen=True, slots=True)
class Dated:
    """A certificate in a file, or why there is none. `former`: of an authority that has a successor."""

    kind: str
    name: str
    facts: CertificateFacts | None = None
    trouble: str | None = None
    former: bool = False


def dated_authorities(directory: Path) -> list[Dated]:
    """Every generation of the site's own authority."""
    try:
        found = issuing_certificates(directory)
    except (OSError, BrokenAuthority) as error:
        return [Dated("authority", "site authority", trouble=str(error))]
    newest = max(generations(directory), default=0)
    return [
        Dated("authority", f"site authority {number}", facts_of(one), former=number < newest) for number, one in found
    ]


def dated_servers(directory: Path) -> list[Dated]:
    """The server certificates that the site's own authority signed."""
    return [one for file in server_certificate_files(directory) for one in dated_file("server", file.name, file)[:1]]


def dated_file(kind: str, name: str, path: Path, *, authorities: bool = False) -> list[Dated]:
    """Every certificate in a file of the operator's. Of several `authorities` the one that ends last is the newest."""
    try:
        found = facts_in(path.read_text("ascii", errors="replace"))
    except (OSError, ValueError, Unreadable) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [Dated(kind, name, trouble=f"{path}: {reason}")]
    last = max(facts.not_after for facts in found)
    return [Dated(kind, name, facts, former=authorities and facts.not_after < last) for facts in found]
