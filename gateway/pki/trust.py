"""Whose station certificates the gateway believes: the site's own authority, all generations, and the operator's file.

Not which station a certificate belongs to, and not whether it was revoked.
"""

from __future__ import annotations

from pathlib import Path

from gateway.pki.authority import issuing_certificates
from gateway.pki.certificate_facts import Unreadable, certificates_in, pem_of


def trusted_client_authorities(directory: Path, client_ca: Path | None) -> str:
    """PEM of all authorities whose station certificates are trusted; `directory` is `<data>/pki`. May be empty.

    Expired ones are included: TLS judges time itself, with a clock that may be mended later. An imported authority may
    stand without the root above it, so the TLS context needs VERIFY_X509_PARTIAL_CHAIN.
    Raises OSError and Unreadable for `client_ca`, OSError and BrokenAuthority for the site's own files.
    """
    trusted = [certificate for _, certificate in issuing_certificates(directory)]
    if client_ca is not None:
        try:
            trusted += certificates_in(client_ca.read_text("ascii", errors="replace"))
        except Unreadable as error:
            raise Unreadable(f"{client_ca}: {error}") from None
    return pem_of(list(dict.fromkeys(trusted)))
