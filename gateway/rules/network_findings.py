"""Can stations reach this machine, and this machine its fleet managers; is its clock, its disk, its certificates well?

Judges what was found out and words it for people, with what to do about it. How it is found out is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from gateway.model.clocks import ClockQuality
from gateway.rules.disk_pressure import Room, is_nearly_full

State = Literal["good", "warning", "bad", "unknown"]
_ANYWHERE = ("0.0.0.0", "::")
_LARGEST_CLOCK_ERROR_MS = 2000
_SLOW_SECONDS = 1.0
_TOO_LITTLE_BYTES = 50_000_000


class Finding(NamedTuple):
    """What was looked at (`subject`: which one of several), how it is, and what to do about it."""

    check: str
    subject: str | None
    state: State
    text: str
    advice: str | None = None


class Port(NamedTuple):
    """A port that should be open: what for, and the address of the configuration that it listens on."""

    check: str
    host: str
    port: int


class Peer(NamedTuple):
    """A fleet manager's broker. `addresses` None: its name was not resolved, `trouble` says why.

    `seconds` None: no connection came about. `linked`: whether the gateway's own link works, None while it is not
    known.
    """

    name: str
    host: str
    port: int
    addresses: tuple[str, ...] | None
    seconds: float | None
    trouble: str | None = None
    linked: bool | None = None
    link_trouble: str | None = None


class Dated(NamedTuple):
    """A certificate; `warning` is what is to be said of its end, `days_left` None where the file cannot be read."""

    name: str
    days_left: int | None
    warning: str | None


class MeterSeen(NamedTuple):
    """A site meter; `trust` as in rules/meter_trust, None while the gateway does not run."""

    name: str
    trust: str | None
    age_seconds: float | None
    reason: str | None


class Facts(NamedTuple):
    """What was found out; None where it could not be. `listening`: (address, port) pairs of this machine."""

    runs: bool
    addresses: Sequence[str]
    listening: frozenset[tuple[str, int]] | None
    ports: Sequence[Port]
    routes: Sequence[str] | None
    peers: Sequence[Peer]
    clock: ClockQuality | None
    certificates: Sequence[Dated]
    room: Room | None
    meters: Sequence[MeterSeen]


def findings(facts: Facts) -> list[Finding]:
    """Everything that was looked at, in a fixed order."""
    return [
        _daemon(facts.runs),
        _addresses(facts.addresses),
        *(_port(port, facts) for port in facts.ports),
        _route(facts.routes, needed=bool(facts.peers)),
        *(finding for peer in facts.peers for finding in _peer(peer)),
        _clock(facts.clock),
        *_certificates(facts.certificates),
        _disk(facts.room),
        *(_meter(meter) for meter in facts.meters),
    ]


def _daemon(runs: bool) -> Finding:
    if runs:
        return Finding("daemon", None, "good", "the gateway runs")
    return Finding("daemon", None, "bad", "the gateway does not run", "start it: systemctl start ocpp-gateway")


def _addresses(addresses: Sequence[str]) -> Finding:
    if addresses:
        return Finding("addresses", None, "good", "this machine has " + ", ".join(addresses))
    advice = "plug the network cable in, or look at the network's settings"
    return Finding("addresses", None, "bad", "this machine has no address in any network", advice)


def _port(port: Port, facts: Facts) -> Finding:
    if facts.listening is None:
        return Finding(port.check, None, "unknown", "this machine does not tell which ports are open")
    there = sorted(address for address, number in facts.listening if number == port.port)
    if not there:
        text = f"nobody listens on port {port.port}"
        return Finding(port.check, None, "bad", text, "look at the log, and at which program has the port")
    if any(address in _ANYWHERE for address in there):
        return Finding(port.check, None, "good", f"port {port.port} is open on all addresses")
    missed = [address for address in facts.addresses if address not in there]
    where = ", ".join(there)
    if all(address.startswith("127.") or address == "::1" for address in there):
        advice = f"stations elsewhere do not reach it: the configuration says host {port.host}"
        return Finding(port.check, None, "warning", f"port {port.port} is open on this machine only", advice)
    if len(missed) == len(facts.addresses):
        advice = f"give the machine the address {port.host} again, or correct the configuration"
        return Finding(port.check, None, "warning", f"port {port.port} is open on {where} alone", advice)
    return Finding(port.check, None, "good", f"port {port.port} is open on {where}")


def _route(routes: Sequence[str] | None, *, needed: bool) -> Finding:
    if routes is None:
        return Finding("default_route", None, "unknown", "this machine does not tell its routes")
    if routes:
        return Finding("default_route", None, "good", "the way to other networks is " + ", ".join(routes))
    text = "there is no way to other networks"
    if not needed:
        return Finding("default_route", None, "good", f"{text}, and nothing needs one")
    return Finding("default_route", None, "bad", text, "set the router of this network as the gateway of this machine")


def _peer(peer: Peer) -> Iterator[Finding]:
    if peer.addresses is None:
        advice = "look at the DNS server of this machine, and at the name in [[upstream]]"
        text = f"the name {peer.host} is not resolved: {peer.trouble}"
        yield Finding("dns", peer.name, "bad", text, advice)
        yield Finding("reach", peer.name, "unknown", f"{peer.host} was not tried without an address")
        return
    yield Finding("dns", peer.name, "good", f"{peer.host} is {', '.join(peer.addresses)}")
    where = f"{peer.host} port {peer.port}"
    if peer.seconds is None:
        advice = "look at the firewall between here and there, and at port and host in [[upstream]]"
        yield Finding("reach", peer.name, "bad", f"{where} is not reached: {peer.trouble}", advice)
    elif peer.linked is False:
        advice = f"ocpp-gateway upstream test {peer.name} says more"
        text = f"{where} is reached, but the link does not work: {peer.link_trouble or 'it begins'}"
        yield Finding("reach", peer.name, "warning", text, advice)
    elif peer.seconds > _SLOW_SECONDS:
        yield Finding("reach", peer.name, "warning", f"{where} took {peer.seconds:.1f} s", "the way there is slow")
    else:
        yield Finding("reach", peer.name, "good", f"{where} answers within {max(1, round(peer.seconds * 1000))} ms")


def _clock(clock: ClockQuality | None) -> Finding:
    if clock is None:
        return Finding("clock", None, "unknown", "this machine does not tell how good its clock is")
    if clock.quality == "unsynced":
        advice = "let a time service keep the clock (timedatectl set-ntp true), or set it by hand"
        return Finding("clock", None, "bad", "no time service has set the clock since the machine started", advice)
    if clock.error_ms > _LARGEST_CLOCK_ERROR_MS:
        text = f"the clock may be wrong by {clock.error_ms / 1000:.1f} s"
        return Finding("clock", None, "warning", text, "see that the time service reaches its servers")
    if clock.quality == "holdover":
        text = f"no time service keeps the clock at the moment; it may be wrong by {clock.error_ms} ms"
        return Finding("clock", None, "warning", text, "see that the time service reaches its servers")
    return Finding("clock", None, "good", f"a time service keeps the clock to {clock.error_ms} ms")


def _certificates(dated: Sequence[Dated]) -> Iterator[Finding]:
    warned = [one for one in dated if one.warning is not None]
    for one in warned:
        ended = one.days_left is None or one.days_left < 0
        advice = "replace it" if ended else "renew it before it ends"
        yield Finding("certificate", one.name, "bad" if ended else "warning", str(one.warning), advice)
    if not warned:
        ends = [one.days_left for one in dated if one.days_left is not None]
        text = f"the first of {len(ends)} ends in {min(ends)} days" if ends else "none is used"
        yield Finding("certificate", None, "good", text)


def _disk(room: Room | None) -> Finding:
    if room is None:
        return Finding("disk", None, "unknown", "the disk of the data directory does not tell its room")
    text = f"{room.free_bytes / 1e9:.1f} GB of {room.disk_bytes / 1e9:.1f} GB are free"
    advice = "make room: look for large files that are not the gateway's, or shorten [retention]"
    if room.free_bytes + room.reusable_bytes < _TOO_LITTLE_BYTES:
        return Finding("disk", None, "bad", text, advice)
    return Finding("disk", None, *(("warning", text, advice) if is_nearly_full(room) else ("good", text)))


def _meter(meter: MeterSeen) -> Finding:
    if meter.trust is None:
        return Finding("meter", meter.name, "unknown", "it is read by the running gateway alone")
    if meter.trust == "fresh":
        return Finding("meter", meter.name, "good", f"read {meter.age_seconds or 0.0:.1f} s ago")
    advice = "look at its cable, address and speed (docs/meters.md)"
    return Finding("meter", meter.name, "bad", f"{meter.trust}: {meter.reason or 'no reading'}", advice)
