"""New generations of the authority, made here or imported: nobody is lost on the way. openssl is the judge."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.pki.authority import ensure_authority, generations, load
from gateway.pki.certificate_facts import pem_of
from gateway.pki.roll_over import Unfit, import_authority, renew_authority
from gateway.pki.server_certificates import ensure_server_certificates
from gateway.pki.station_certificates import make_certificate
from gateway.pki.trust import trusted_client_authorities
from tests.fakes.openssl_workshop import Workshop, blocks, openssl
from tests.unit.pki.conftest import CutPower

pytestmark = pytest.mark.slow

NOW = datetime(2027, 1, 15, tzinfo=UTC)
AUTHORITY = "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "pki"


def root_of(directory: Path) -> str:
    return pem_of([load(directory).root()])


def servers(directory: Path) -> list[str]:
    return [chain.read_text() for chain, _ in ensure_server_certificates(directory, ["gateway.example"], NOW)]


def test_stations_with_any_root_believe_the_gateway(directory: Path, workshop: Workshop) -> None:
    roots = []
    ensure_authority(directory, NOW)
    for _ in range(3):
        roots.append(root_of(directory))
        servers(directory)  # which are of this generation, until the next call
        renew_authority(directory, NOW)
    roots.append(root_of(directory))
    for chain in servers(directory):
        assert [workshop.verifies(chain, trusting=root) for root in roots] == [True] * 4
    assert generations(directory) == [1, 2, 3, 4]


def test_what_was_issued_before_stays_trusted(directory: Path, workshop: Workshop) -> None:
    _, before = make_certificate(directory, "CP-1", algorithm="ecdsa", now=NOW)
    renew_authority(directory, NOW)
    _, after = make_certificate(directory, "CP-1", algorithm="ecdsa", now=NOW)
    trusted = trusted_client_authorities(directory, None)
    for issued in (before, after):
        assert workshop.verifies(issued.leaf, trusting=trusted, purpose="sslclient")
        assert workshop.verifies(issued.chain, trusting=trusted, purpose="sslclient")
    issuers = {openssl("x509", "-noout", "-issuer", given=issued.leaf) for issued in (before, after)}
    assert len(issuers) == 2


def test_the_former_key_is_destroyed(directory: Path) -> None:
    ensure_authority(directory, NOW)
    renew_authority(directory, NOW)
    assert not (directory / "authority-0001.key").exists()
    assert (directory / "authority-0001.pem").exists()


@pytest.mark.parametrize("write_number", [1, 2, 3])
def test_a_power_cut_during_the_renewal(
    directory: Path, power_cut_at: CutPower, workshop: Workshop, write_number: int
) -> None:
    ensure_authority(directory, NOW)
    first = root_of(directory)
    with power_cut_at(write_number):
        renew_authority(directory, NOW)
    assert root_of(directory) == first  # the old one still issues
    renew_authority(directory, NOW)
    for chain in servers(directory):
        assert workshop.verifies(chain, trusting=first) and workshop.verifies(chain, trusting=root_of(directory))


class Operators:
    """The operator's root and an intermediate authority below it."""

    def __init__(
        self, workshop: Workshop, kind: str, *, extensions: str = AUTHORITY, beside: Operators | None = None
    ) -> None:
        self.key_file = workshop.key(kind)
        self.root_key = root_key = beside.root_key if beside else workshop.key("rsa:2048")
        self.root = beside.root if beside else workshop.root("/O=Operator/CN=Operator root", root_key)
        self.own = workshop.issued(
            f"/O=Operator/CN=Site {kind}", self.key_file, by=self.root, by_key=root_key, extensions=extensions
        )

    @property
    def key(self) -> str:
        return self.key_file.read_text()

    @property
    def chain(self) -> str:
        return self.own + self.root


@pytest.fixture(scope="module")
def operators(workshop: Workshop) -> Operators:
    # a key identifier that is counted in another way than ours
    return Operators(workshop, "rsa:2048", extensions=AUTHORITY + "subjectKeyIdentifier=01:02:03:04\n")


def test_the_operators_authority_issues(directory: Path, workshop: Workshop, operators: Operators) -> None:
    ensure_authority(directory, NOW)
    first = root_of(directory)
    import_authority(directory, [(operators.key, operators.chain)], NOW)
    assert root_of(directory) == "".join(blocks(operators.root))
    for chain in servers(directory):
        assert workshop.verifies(chain, trusting=operators.root, purpose="sslserver")
        assert workshop.verifies(chain, trusting=first, purpose="sslserver")  # over the bridge
    _, issued = make_certificate(directory, "CP-1", algorithm="ecdsa", now=NOW)
    assert issued.algorithm == "rsa"  # it has no other key
    assert blocks(issued.chain)[1:] == blocks(operators.own)
    trusted = trusted_client_authorities(directory, None)
    assert workshop.verifies(issued.leaf, trusting=trusted, purpose="sslclient", alone=False)
    assert "".join(blocks(operators.root)) not in trusted  # the operator's other sites are none of ours


def test_both_kinds_of_keys_at_once(directory: Path, workshop: Workshop, operators: Operators) -> None:
    other = Operators(workshop, "ec:secp384r1", beside=operators)
    parts = [(operators.key, operators.chain), (other.key, other.chain)]
    import_authority(directory, parts, NOW)
    for algorithm in ("rsa", "ecdsa"):
        _, issued = make_certificate(directory, "CP-1", algorithm=algorithm, now=NOW)  # type: ignore[arg-type]
        assert issued.algorithm == algorithm
        assert workshop.verifies(issued.chain, trusting=operators.root)


def test_from_the_operators_authority_back_to_an_own_one(directory: Path, workshop: Workshop) -> None:
    free = Operators(workshop, "ec:prime256v1", extensions=AUTHORITY.replace(",pathlen:0", ""))
    import_authority(directory, [(free.key, free.chain)], NOW)
    renew_authority(directory, NOW)
    for chain in servers(directory):
        assert workshop.verifies(chain, trusting=free.root)
        assert workshop.verifies(chain, trusting=root_of(directory))


def test_crlf_files_are_read(directory: Path, operators: Operators) -> None:
    key, chain = operators.key.replace("\n", "\r\n"), operators.chain.replace("\n", "\r\n")
    assert import_authority(directory, [(key, chain)], NOW).number == 1
    assert "\r" not in (directory / "authority-0001.pem").read_text()


def unfit(workshop: Workshop, operators: Operators) -> dict[str, tuple[str, str, str]]:
    """What cannot be imported: name: (key, chain, words)."""
    other = Operators(workshop, "rsa:2048")
    leaf = Operators(workshop, "rsa:2048", extensions="basicConstraints=CA:false\n")
    no_signing = Operators(workshop, "rsa:2048", extensions="basicConstraints=CA:true\nkeyUsage=digitalSignature\n")
    weak_key = workshop.key("rsa:1024")
    weak = workshop.root("/CN=Weak", weak_key)
    short_key = workshop.key()
    short = workshop.root("/CN=Short", short_key, days=1)
    locked = openssl("pkey", "-in", operators.key_file, "-aes256", "-passout", "pass:x")
    sha1_key = workshop.key()
    sha1 = workshop.issued("/CN=Old", sha1_key, by=weak, by_key=weak_key, extensions=AUTHORITY, options=("-sha1",))
    return {
        "another key": (other.key, operators.chain, "the first certificate of the chain is not of this key"),
        "a leaf": (leaf.key, leaf.chain, "may not sign certificates"),
        "may not sign": (no_signing.key, no_signing.chain, "may not sign certificates"),
        "weak": (weak_key.read_text(), weak, "an RSA key of 1024 bits"),
        "ended": (short_key.read_text(), short, "CN=Short ended on"),
        "locked": (locked, operators.chain, "the private key is encrypted"),
        "sha1": (sha1_key.read_text(), sha1, "signed with sha1"),
        "disorder": (operators.key, operators.own + other.root, "is not issued by"),
        "no key": ("nothing", operators.chain, "no private key in PEM form"),
        "no chain": (operators.key, "nothing", "no certificate in PEM form"),
        "two keys": (operators.key + other.key, operators.chain, "more than one private key"),
        "broken key": ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", operators.chain, ""),
    }


def test_what_cannot_be_an_authority_changes_nothing(directory: Path, workshop: Workshop, operators: Operators) -> None:
    ensure_authority(directory, NOW)
    before = {path.name: path.read_text() for path in directory.iterdir()}
    for name, (key, chain, words) in unfit(workshop, operators).items():
        now = NOW.replace(year=2099) if name == "ended" else datetime.now(UTC)
        with pytest.raises(Unfit) as raised:
            import_authority(directory, [(key, chain)], now)
        assert words in str(raised.value), name
    stranger = Operators(workshop, "ec:prime256v1")
    for parts, words in (
        ([], "a key and a chain are needed"),
        ([(operators.key, operators.chain)] * 2, "two authorities with the same type of key"),
        ([(operators.key, operators.own)], "the chain does not end with a root"),
        ([(operators.key, operators.chain), (stranger.key, stranger.chain)], "end with different roots"),
    ):
        with pytest.raises(Unfit, match=words):
            import_authority(directory, parts, NOW)
    assert {path.name: path.read_text() for path in directory.iterdir()} == before


def test_importing_the_same_authority_again_needs_no_bridge(directory: Path, operators: Operators) -> None:
    for _ in range(2):
        import_authority(directory, [(operators.key, operators.chain)], NOW)
    assert load(directory).above == load(directory).above[:1]
