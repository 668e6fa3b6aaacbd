"""Certificates in files, with their ends: the site's own, and those that the configuration names.

Needs no running gateway, and loads nothing where there is nothing to read. How certificates are read is not known here
(`pki`), nor what the database knows of others (`watch_certificates`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.configuration import Configuration
from gateway.configuration_files import Step
from gateway.model.instants import Instant, instant_of, text_of
from gateway.rules.certificate_ends import days_left, ending

if TYPE_CHECKING:
    from gateway.pki.dates import Dated

Document = dict[str, object]


def pki_directory(configuration: Configuration) -> Path:
    """Where the site's own keys and certificates are."""
    return configuration.data.directory / "pki"


def dates_in_files(configuration: Configuration, now: Instant) -> list[Document]:
    """Every certificate that a file holds; needs no running gateway."""
    found = own_dates(configuration, now)
    for _, kind, name, path in configured_files(configuration):
        found += dates_in_file(kind, name, path, now)
    return found


def configured_files(configuration: Configuration) -> Iterator[tuple[tuple[Step, ...], str, str, Path]]:
    """Every file with certificates that the configuration names: (where, kind, name, path)."""
    tls = configuration.ocpp.tls
    if tls is not None:
        for position, certificate in enumerate(tls.certificates):
            where = ("ocpp", "tls", "certificates", position, "chain")
            yield where, "server", f"ocpp.tls.certificates[{position}]", certificate.chain
        if tls.client_ca is not None:
            yield ("ocpp", "tls", "client_ca"), "client_ca", "ocpp.tls.client_ca", tls.client_ca
    for position, upstream in enumerate(configuration.upstreams):
        if upstream.ca is not None:
            yield ("upstream", position, "ca"), "upstream", f"upstream {upstream.name} ca", upstream.ca
        if upstream.chain is not None:
            yield ("upstream", position, "chain"), "upstream", f"upstream {upstream.name} chain", upstream.chain


def own_dates(configuration: Configuration, now: Instant) -> list[Document]:
    """The certificates in the site's own directory."""
    directory = pki_directory(configuration)
    if not directory.exists():
        return []
    from gateway.pki import dates

    found = dates.dated_authorities(directory)
    tls = configuration.ocpp.tls
    if tls is not None and not tls.certificates:  # else they are not used
        found += dates.dated_servers(directory)
    return [_of_file(one, now) for one in found]


def dates_in_file(kind: str, name: str, path: Path, now: Instant) -> list[Document]:
    """The certificates in a file of the operator's."""
    from gateway.pki.dates import dated_file

    # a file of authorities may hold old ones beside the new, as those of the system do
    authorities = kind == "client_ca" or name.endswith(" ca")
    return [_of_file(one, now) for one in dated_file(kind, name, path, authorities=authorities)]


def _of_file(one: Dated, now: Instant) -> Document:
    if one.facts is None:
        return date_document(one.kind, one.name, warning=f"{one.name} is not readable: {one.trouble}")
    facts, end = one.facts, instant_of(one.facts.not_after)
    warning = ending(one.kind, f"{one.name} ({facts.common_name or facts.subject})", end, now=now, former=one.former)
    return {
        **date_document(one.kind, one.name, warning=warning),
        "subject": facts.subject,
        "serial_number": facts.serial_number,
        "fingerprint": facts.fingerprint,
        "key": facts.key,
        "is_authority": facts.is_authority,
        **end_members(end, now),
    }


def date_document(kind: str, name: str, *, station: object = None, warning: str | None) -> Document:
    """A certificate of which nothing more is known yet."""
    absent: Document = dict.fromkeys(
        ("subject", "serial_number", "fingerprint", "key", "is_authority", "not_after", "days_left")
    )
    return {"kind": kind, "name": name, "station": station, **absent, "warning": warning}


def end_members(end: Instant, now: Instant) -> Document:
    """When it ends, as members of a document."""
    return {"not_after": text_of(end), "days_left": days_left(end, now=now)}
