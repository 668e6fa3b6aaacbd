"""After passwords were set and changed in every way, no file of the gateway and no line of its log holds one."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from tests.end_to_end.foreign_clients import boot_tester, run_to_end, running_script
from tests.end_to_end.running_gateway import Document, running_gateway

FIRST = "aaaabbbbccccddddeeeeffff00001111"
BY_HAND = "1234567890abcdef1234567890abcdef"
IN_FILE = "feedfacefeedfacefeedfacefeedfacefeedface"
WORDS = "not-hexadecimal-pw!!"
WRONG = "deadbeefdeadbeefdeadbeefdeadbeef"


def forms(secret: str) -> set[bytes]:
    """How a password may be written: as it is, in capitals, and as the bytes of its hexadecimal text."""
    found = {secret.encode(), secret.upper().encode()}
    return found | ({bytes.fromhex(secret)} if re.fullmatch("(?:[0-9a-f]{2})+", secret) else set())


def test_no_file_and_no_log_line_holds_a_password(place: Path) -> None:
    more = '[log]\nlevel = "debug"\nframes = true\n'
    with running_gateway(place) as started:
        configuration = started.configuration.read_text()
        assert started.stop() == 0
        started.configuration.write_text(configuration.replace('[log]\nlevel = "info"\n', more))
        started.start()
        gateway = started
        gateway.put("/stations/NODE-1", {"password": FIRST})
        gateway.put("/id-tags/NODE", {"status": "Accepted"})
        secret_file = place / "secret"
        secret_file.write_text(IN_FILE + "\n")
        settings: Document = {"url": gateway.ocpp_url, "station": "NODE-1", "tag": "NODE", "password": FIRST}
        with running_script("over_tls.mjs", settings) as script:
            script.expect("charged")
            for value in (WORDS, BY_HAND):
                outcome = gateway.call("NODE-1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": value})
                assert outcome["response"] == {"status": "Accepted"}
            assert "32 to 40 hexadecimal digits" in str(
                gateway.call("NODE-1", "ChangeConfiguration", {"value": WORDS, "key": "AUTHORIZATIONKEY"})["warning"]
            )
            gateway.command("station", "security", "NODE-1", "--password-file", str(secret_file))
            said = gateway.command("station", "security", "NODE-1", "--new-password")
            made = re.findall(r"[0-9a-f]{40}", said)
            script.go_on()
            assert script.expect("done")["complaints"] == []
            script.go_on()
        refused = run_to_end(boot_tester(gateway.ocpp_url, "NODE-1", "--password", WRONG))
        assert "HTTP 401" in refused.stdout, refused.stdout
        gateway.command("backup", str(place / "copy.db"))
        gateway.command("support-bundle", str(place / "bundle.tar.gz"))
        secret_file.unlink()
        with tarfile.open(place / "bundle.tar.gz") as bundle:
            for member in bundle.getmembers():  # extractall() has its filter only since 3.11.4
                content = bundle.extractfile(member)
                if content is not None:
                    unpacked = place / "bundle" / member.name
                    unpacked.parent.mkdir(parents=True, exist_ok=True)
                    unpacked.write_bytes(content.read())
        searched = [file for file in place.rglob("*") if file.is_file()]
        assert {"gateway.db", "daemon.log", "copy.db"} <= {file.name for file in searched}
        assert b"AuthorizationKey" in gateway.log.read_bytes()  # the frames were logged
        for secret in (FIRST, BY_HAND, IN_FILE, WORDS, WRONG, *made):
            held = [file for file in searched if any(form in file.read_bytes() for form in forms(secret))]
            assert not held, (secret, held)
