"""A TCP connection to a broker, with TLS if it is asked for, without ever making the event loop wait.

It decides which of several addresses is taken and how soon the kernel gives up on a dead peer. Cancelled, it leaves
nothing behind. It does not know MQTT.
"""

from __future__ import annotations

import asyncio
import os
import socket

from gateway.model.links import Broker, NotLinked
from gateway.upstream.tls import Shown, plain_words, secured

_PROBES = 3
_SHARE = 0.8  # of the patience, for finding an address that answers


async def reach(broker: Broker, shown: Shown | None, *, patience_seconds: float, silence_seconds: int) -> socket.socket:
    """A connected socket that does not block, with TLS if something is shown. Raises NotLinked.

    What is sent and not confirmed for `silence_seconds` ends it.
    """
    try:
        connected = await _connected(broker, patience_seconds, silence_seconds)
    except UnicodeError as error:
        raise NotLinked(f"{broker.host} is not the name of a machine") from error
    return connected if shown is None else await secured(connected, shown.context, broker.host)


async def _connected(broker: Broker, patience_seconds: float, silence_seconds: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NotLinked(f"cannot find {broker.host}: {plain_words(error)}") from error
    failures: list[str] = []
    for family, kind, protocol, _, address in found:
        tried = socket.socket(family, kind, protocol)
        try:
            tried.setblocking(False)
            _heed_silence(tried, silence_seconds)
            # one address that swallows everything must not use up the patience for the others, nor for the rest
            async with asyncio.timeout(_SHARE * patience_seconds / len(found)):
                await loop.sock_connect(tried, address)
        except OSError as error:  # TimeoutError is one
            tried.close()
            failures.append(os.strerror(error.errno).lower() if error.errno else "no answer")
        except BaseException:
            tried.close()
            raise
        else:
            return tried
    raise NotLinked(f"cannot reach {broker.host}, port {broker.port}: {', '.join(dict.fromkeys(failures))}")


def _heed_silence(sock: socket.socket, seconds: int) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // _PROBES))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
