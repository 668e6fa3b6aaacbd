"""Secrets are masked under every name, in every place, and nothing else is changed."""

from __future__ import annotations

import json

import pytest

from gateway.rules.secrecy import MASK, is_secret_name, masked, masked_bytes, masked_text, secrets_in


@pytest.mark.parametrize(
    "name", ["AuthorizationKey", "authorizationkey", "Wifi_Password", "admin-passwd", "ApiToken", "AUTH_KEY", "api key"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    for key, value in (("key", "value"), ("Key", "VALUE")):
        assert masked({key: name, value: "s3cret"}) == {key: name, value: MASK}
    assert masked([{name: 12345, "n": 12345}]) == [{name: MASK, "n": MASK}]


@pytest.mark.parametrize(
    "document",
    [
        {"key": "HeartbeatInterval", "value": "300"},
        {"key": "AuthorizationKey"},
        {"key": 5, "value": "300"},
        {"key": ["AuthorizationKey"], "value": "300"},
        {"has_password": True, "password": None, "secret": "", "token": {"a": 1}},
        {"configurationKey": [{"key": "Password", "readonly": False}, {"key": "Secret", "value": ""}, "rubbish", 1.5]},
        {"location": "ftp://host:21/path", "retries": 3, "mail": "a@b"},
        {"location": "http://host:8080/a@b/c", "signature": "c2ln", "signingCertificate": "-----BEGIN CERTIFICATE"},
        "http://h/x?signed=1&key=a",
        {"status": "Accepted", "list": [], "none": None},
        "x" * 70_000,
    ],
)
def test_what_is_no_secret_stays(document: object) -> None:
    assert masked(document) == document


def test_a_secret_is_masked_wherever_it_is_repeated() -> None:
    entry = {"key": "AuthorizationKey", "value": "HushHush", "raw": "is HUSHHUSH!", "hushhush": [{"deep": "hushhush"}]}
    assert "hush" not in json.dumps(masked(entry)).casefold()
    assert masked("cannot set HushHush", secrets=["HushHush"]) == "cannot set ***"
    assert masked({"pin": 1234567, "n": 7}, secrets=["1234567"]) == {"pin": MASK, "n": 7}


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ('a"b\\c{d', json.dumps('a"b\\c{d')),
        ("p%40ss%2Fword", "login p@ss/word failed"),
        ("4142434445464748", "ABCDEFGH"),
        ("4142434445464748", "4142434445464748"),
    ],
)
def test_other_spellings_of_a_secret(secret: str, text: str) -> None:
    shown = masked({"text": text}, secrets=[secret])
    assert MASK in str(shown)
    assert text not in str(shown)


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    assert masked({"a": "1", "b": "100", "c": 1}, secrets=["1"]) == {"a": MASK, "b": "100", "c": MASK}
    assert masked({"a": ""}, secrets=[""]) == {"a": ""}


def test_passwords_in_addresses() -> None:
    request = {"location": "ftp://station:HUSH@1.2.3.4:21/x", "log": {"remoteLocation": "https://u:HU@SH@h/"}}
    assert masked(request) == {
        "location": "ftp://station:***@1.2.3.4:21/x",
        "log": {"remoteLocation": "https://u:***@h/"},
    }
    assert secrets_in(request) == {"HUSH", "HU@SH"}
    assert secrets_in("https://store/a?sig=HUSH&x=1") == {"HUSH"}
    assert masked("login HUSH refused", secrets=secrets_in(request)) == "login *** refused"


@pytest.mark.parametrize(
    "data",
    [
        '{"wifiPassword":"HUSH"}',
        '{"a":{"Passphrase" : "HU\\"SH"}}',
        "user=a;password=HUSH;x=1",
        '{"key":"AuthorizationKey","value":"HUSH"}',
        '{"key":"Wifi.Password","readonly":false,"value":"HUSH"}',
        '{"value":"HUSH","key":"AdminPasswd"}',
        '{"password":"HUSH and cut off',
        "{'password': 'HUSH and cut off",
        '{"f":"{\\"password\\":\\"HUSH and cut off',
        "see ftp://u:HUSH@host/x",
        "see ftp://u:HU/SH@host/x",
        "https://store/a?X-Amz-Date=1&X-Amz-Signature=HUSH&x=1",
        "https://store/a?sv=1&sig=HUSH",
        "password=HUSH" + " " * 70_000,
    ],
)
def test_secrets_inside_texts(data: str) -> None:
    shown = str(masked({"vendorId": "V", "data": data}))
    assert "HU" not in shown
    assert MASK in shown


def test_a_text_without_a_hint_stays_as_it_is() -> None:
    text = '{"key":"MeterValueSampleInterval","value":"60"}'
    assert masked_text(text) is text


def test_bytes_stay_as_they_are_but_for_the_secret() -> None:
    body = '{"ä":"\xff","vendorPassword" : "HUSH", "n":1.10}'.encode() + b"\xfe"
    assert masked_bytes(body) == body.replace(b"HUSH", MASK.encode())
    assert masked_bytes(b'{"n":1.10,"\xff":2}') == b'{"n":1.10,"\xff":2}'


def test_in_a_long_body_the_named_secrets_are_masked_quickly() -> None:
    body = b'{"values":"' + b'\\"value\\":\\"' * 100_000 + b'","x_api_key":"HUSH"}'
    assert b"HUSH" not in masked_bytes(body)
    assert masked_bytes(body).startswith(body[:1_000_000])


@pytest.mark.parametrize("text", ["has_password: true", '{"has_password":true}'])
def test_whether_there_is_a_secret_is_none(text: str) -> None:
    assert masked_text(text) == text


def test_depth_is_bounded() -> None:
    deep: object = {"password": "HUSH"}
    for _ in range(900):
        deep = [deep]
    assert "HUSH" not in str(masked(deep))


def test_hostile_text_takes_little_time() -> None:
    for text in (
        '"key":"AuthorizationKey"' * 2700,
        "a-" * 32_000 + "token",
        "x://" * 16_000 + ":",
        '"value":"' * 7000 + "token",
    ):
        assert isinstance(masked({"data": text}), dict)


def test_what_json_does_not_have_stays() -> None:
    marker = object()
    assert masked({"a": marker}) == {"a": marker}


@pytest.mark.parametrize(
    "text",
    [
        '{"password":"HUSH","n":1}',
        '{"x_token" : 12345}',
        '{"a":"{\\"password\\":\\"HUSH\\"}"}',
        '{"a":"{\\"key\\":\\"AuthKey\\",\\"value\\":\\"HUSH\\"}"}',
        '{"value":"HUSH","key":"AuthKey"}',
        '{"a":"password=HUSH"}',
    ],
)
def test_what_was_json_stays_json(text: str) -> None:
    shown = masked_text(text)
    assert "HUSH" not in shown and "12345" not in shown
    assert json.loads(shown)


TOKEN = "k3x9q2".replace("9", "7") + "abcdefgh2345"


@pytest.mark.parametrize(
    "address",
    [
        f"http://192.168.1.10:8088/f/{TOKEN}/EVSE_1.2.3.bin",
        f"https://[fe80::1]:8443/u/{TOKEN}",
        f"http://gateway/u/{TOKEN}/diagnostics.zip",
        f"ftp://{TOKEN}:put@192.168.1.10:2121/",
        f"ftp://192.168.1.10:2121/{TOKEN}/EVSE_1.2.3.bin",
    ],
)
def test_an_address_of_the_own_store_is_shown_without_its_token(address: str) -> None:
    assert TOKEN in secrets_in({"location": address})
    shown = masked({"location": address, "echo": f"cannot load {TOKEN}"})
    assert TOKEN not in str(shown)
    assert MASK in masked_text(f'{{"location": "{address}"}}')
    assert TOKEN.encode() not in masked_bytes(f'[2,"1","UpdateFirmware",{{"location":"{address}"}}]'.encode())
    assert TOKEN not in masked_text(f"cannot GET /f/{TOKEN}/EVSE.bin, /u/{TOKEN}")
    assert masked_text(f"http://h/{TOKEN}x/y") == f"http://h/{TOKEN}x/y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password = '''\nof\nlines'''\nx = 1", "password = '***'\nx = 1"),
        ('password = """a"b"""\nx = "y"', 'password = "***"\nx = "y"'),
        ('password = """a"""", x = "y"', 'password = "***", x = "y"'),
        ('password = ""\nx = "y"', 'password = "***"\nx = "y"'),
        ('password = """cut off', 'password = "***"'),
    ],
)
def test_a_secret_of_several_lines_is_masked_whole(text: str, shown: str) -> None:
    assert masked_text(text) == shown
