"""P1 and SML telegrams, made here byte by byte: checksums are calculated by other code than the gateway's."""

from __future__ import annotations

import binascii
import struct


def crc_arc(data: bytes) -> int:
    """CRC-16/ARC by its table-free definition over reflected bits: the checksum of P1."""
    register = 0
    for byte in data:
        for bit in range(8):
            register ^= (byte >> bit) & 1
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


def p1(*lines: str, header: str = "/ISk5\\2MT382-1000", checksum: bool = True, wrong: bool = False) -> bytes:
    """A telegram with these OBIS lines."""
    text = "\r\n".join([header, "", *lines, "!"]).encode()
    if not checksum:
        return text + b"\r\n"
    return text + f"{crc_arc(text) ^ (1 if wrong else 0):04X}\r\n".encode()


DSMR5 = (
    "1-3:0.2.8(50)", "0-0:1.0.0(270115090000W)", "0-0:96.1.1(4530303434303037313331363530363138)",
    "1-0:1.8.1(004000.123*kWh)", "1-0:1.8.2(006000.200*kWh)", "1-0:2.8.1(000100.500*kWh)", "1-0:2.8.2(000020.250*kWh)",
    "0-0:96.14.0(0002)", "1-0:1.7.0(02.530*kW)", "1-0:2.7.0(00.000*kW)",
    "1-0:99.97.0(2)(0-0:96.7.19)(101208152415W)(0000000240*s)(101208151004W)(0000000301*s)",
    "1-0:32.7.0(230.0*V)", "1-0:52.7.0(232.0*V)", "1-0:72.7.0(229.0*V)",
    "1-0:31.7.0(010*A)", "1-0:51.7.0(003*A)", "1-0:71.7.0(004*A)",
    "1-0:21.7.0(02.300*kW)", "1-0:41.7.0(00.000*kW)", "1-0:61.7.0(00.926*kW)",
    "1-0:22.7.0(00.000*kW)", "1-0:42.7.0(00.696*kW)", "1-0:62.7.0(00.000*kW)",
    "0-1:24.2.1(270115090000W)(00123.456*m3)",
)  # fmt: skip

ESCAPE = b"\x1b\x1b\x1b\x1b"


def crc_x25(data: bytes) -> int:
    """CRC-16/X-25, from CRC-CCITT of the standard library with the bits of every byte turned round."""
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    return int(f"{binascii.crc_hqx(mirrored, 0xFFFF):016b}"[::-1], 2) ^ 0xFFFF


def _octets(data: bytes) -> bytes:
    return bytes([len(data) + 1]) + data


def _entry(obis: bytes, unit: int, scaler: int, value: int) -> bytes:
    number = b"\x59" + struct.pack(">q", value)
    scale = b"\x52" + struct.pack(">b", scaler)
    return b"\x77" + _octets(obis) + b"\x01\x01\x62" + bytes([unit]) + scale + number + b"\x01"


def _message(body: bytes, tag: bytes) -> bytes:
    inner = b"\x76" + _octets(b"\x00\x01") + b"\x62\x00" + b"\x62\x00" + b"\x72" + tag + body
    crc = crc_x25(inner)
    return inner + b"\x63" + struct.pack("<H", crc) + b"\x00"


def sml(entries: list[tuple[str, int, int, int]], *, wrong: bool = False) -> bytes:
    """A telegram; an entry is (OBIS code in hexadecimal, DLMS unit, scaler, value)."""
    values = b"".join(_entry(bytes.fromhex(obis), *rest) for obis, *rest in entries)
    count = 0x70 | len(entries)
    opening = _message(b"\x76\x01\x01" + _octets(b"\x00\x02") + _octets(b"meter-0001") + b"\x01\x01", b"\x63\x01\x01")
    body = b"\x77\x01" + _octets(b"meter-0001") + b"\x01\x01" + bytes([count]) + values + b"\x01\x01"
    closing = _message(b"\x71\x01", b"\x63\x02\x01")
    content = opening + _message(body, b"\x63\x07\x01") + closing
    padding = -len(content) % 4
    text = ESCAPE + b"\x01\x01\x01\x01" + content + b"\x00" * padding + ESCAPE + b"\x1a" + bytes([padding])
    return text + struct.pack("<H", crc_x25(text) ^ (1 if wrong else 0))


HOUSEHOLD = [
    ("0100010800ff", 30, -1, 123_455_000),
    ("0100020800ff", 30, -1, 2_345_000),
    ("0100100700ff", 27, 0, -1350),
]
PER_PHASE = [
    *HOUSEHOLD[:2],
    ("0100100700ff", 27, -1, 7700),
    ("0100240700ff", 27, -1, 24_000),
    ("0100380700ff", 27, -1, -18_000),
    ("01004c0700ff", 27, -1, 1700),
    ("01001f0700ff", 33, -2, 1050),
    ("0100330700ff", 33, -2, 825),
    ("0100470700ff", 33, -2, 75),
    ("0100200700ff", 35, -1, 2305),
    ("0100340700ff", 35, -1, 2312),
    ("0100480700ff", 35, -1, 2297),
]
