"""The scheme for a station, and addresses that the plainest of stations can use."""

from __future__ import annotations

import re

import pytest

from gateway.rules.transfer_addresses import (
    Scheme,
    digest_of,
    host_in_address,
    image_address,
    safe_file_name,
    scheme_for,
    token_of,
    upload_address,
    without_token,
)

ALL: tuple[Scheme, ...] = ("http", "https", "ftp", "ftps")


@pytest.mark.parametrize(
    ("told", "offered", "wished", "on_tls", "chosen"),
    [
        (None, ALL, (), False, "http"),
        (["FTP"], ALL, (), False, "ftp"),
        (["FTP", "HTTP"], ALL, (), False, "http"),
        (["HTTPS", " ftps "], ALL, (), False, "https"),
        (["HTTPS", "HTTP"], ALL, (), True, "https"),
        (["FTP", "FTPS"], ALL, (), True, "ftps"),
        (
            ["FTP"],
            ("http",),
            (),
            False,
            "http",
        ),  # what it can is not offered
        (["SFTP"], ALL, (), False, "http"),
        (["HTTP"], ALL, ("auto", "ftp", "https"), False, "ftp"),
        (["FTP"], ("http", "ftp"), ("https", "auto"), False, "ftp"),
    ],
)
def test_scheme(
    told: list[str] | None, offered: tuple[Scheme, ...], wished: tuple[str, ...], on_tls: bool, chosen: str
) -> None:
    assert scheme_for(told, offered=offered, wished=wished, on_tls=on_tls) == chosen


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("EVSE_1.2.3.bin", "EVSE_1.2.3.bin"),
        ("../../etc/passwd", "passwd"),
        ("C:\\firmware\\new file (2).bin", "new_file_2_.bin"),
        ("..", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ("a\r\nLocation: x", "a_Location_x"),
        ("größe.bin", "gr_e.bin"),
        ("x" * 100 + ".tar.gz", "x" * 45 + ".gz"),
        ("y" * 100, "y" * 48),
        ("z" * 60 + "." + "e" * 60, "z" * 48),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def test_a_token_is_plain_and_only_its_digest_is_kept() -> None:
    token = token_of("0123456789abcdef0123456789abcdef")
    assert re.fullmatch("[a-z2-7]{18}", token)
    assert token != token_of("0123456789abcdef0123456789abcdee")
    assert len(digest_of(token)) == 32
    assert digest_of("\udcff") != digest_of(token)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.168.1.10", "192.168.1.10"),
        ("::ffff:192.168.1.10", "192.168.1.10"),
        ("fe80::1%eth0", "[fe80::1]"),
        ("box", "box"),
    ],
)
def test_hosts(address: str, host: str) -> None:
    assert host_in_address(address) == host


def test_a_file_that_is_named_after_the_token_is_not() -> None:
    token, other = token_of("1"), token_of("2")
    assert without_token(f"{token}-log.txt", digest_of(token)) == "-log.txt"
    assert without_token(f"{other}.txt", digest_of(token)) == f"{other}.txt"
    assert without_token(token, digest_of(token)) == ""


def test_addresses_are_short_and_end_as_the_vendor_named_the_file() -> None:
    token = token_of("1")
    http = image_address("http", "192.168.100.100", 18088, token=token, file_name="x" * 44 + ".bin")
    assert http == f"http://192.168.100.100:18088/f/{token}/{'x' * 44}.bin"
    assert len(http) <= 100
    assert image_address("ftps", "h", 2121, token=token, file_name="a.bin") == f"ftps://{token}:get@h:2121/a.bin"
    assert upload_address("https", "h", 443, token=token) == f"https://h:443/u/{token}"
    assert upload_address("ftp", "h", 2121, token=token) == f"ftp://{token}:put@h:2121/"
