"""One client of the MQTT library, run by the event loop for the length of one connection.

The library is given a socket that is connected already, and is told when that can be read or written. So there is no
thread: nothing can be left behind, no callback can be blocked by another, and the library's own thread, which cannot
wait for more than 1024 open files, is not needed. It decides when a connection counts as ended, and in which words. It
does not know what is published or asked.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client, DisconnectFlags
from paho.mqtt.enums import LogLevel
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.model.links import Broker, LinkLost
from gateway.upstream.tls import plain_words

_TICK_SECONDS = 1.0
_TAKEN_OVER = 0x8E
_WITH_WILL = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
_KEEPALIVE_TIMEOUT = 0x8D
_SAID_BEFORE_TROUBLE = "failed to receive on socket: "  # the library's words when reading and when writing


class Wire:
    """Carries one client's bytes; `on_end` is called once."""

    def __init__(self, client: Client, on_end: Callable[[LinkLost], None]) -> None:
        self.trouble = ""  # what the socket met, in words
        self._client = client
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._tick: asyncio.TimerHandle | None = None
        client.on_log = self._heed_log
        client.on_disconnect = self._disconnected
        client.on_socket_register_write = lambda *_: self._watch_writing(True)
        client.on_socket_unregister_write = lambda *_: self._watch_writing(False)
        client.on_socket_close = lambda *_: self._forget_socket()

    def start(
        self, connected: socket.socket, broker: Broker, *, keepalive_seconds: int, properties: Properties | None
    ) -> None:
        """Send CONNECT; from now on `connected` belongs to this."""
        self._socket = connected
        # the one private name that is used: the library has no other way to be given a socket
        self._client._create_socket = lambda: connected  # type: ignore[method-assign]
        if properties is None:
            self._client.connect(broker.host, broker.port, keepalive_seconds)
        else:
            self._client.connect(broker.host, broker.port, keepalive_seconds, clean_start=False, properties=properties)
        if self._socket is not None:
            self._loop.add_reader(connected, self._readable)
            self._tick = self._loop.call_later(_TICK_SECONDS, self._look_at_clock)

    def leave(self, *, will_publish: bool) -> None:
        """Send DISCONNECT, after all that waits to be written; the end comes when it is written."""
        self._client.disconnect(_WITH_WILL if will_publish else None)

    def cut(self, reason: str) -> None:
        """End it now, without a word to the broker."""
        self._end(LinkLost(reason))

    def _readable(self) -> None:
        try:
            self._client.loop_read()
            # TLS hands over whole records: what is left of one makes no socket readable
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                self._client.loop_read()
        except Exception as error:  # the library meets bytes from outside
            self._end(LinkLost(f"what the broker sent cannot be read: {error!r}"))

    def _writable(self) -> None:
        self._client.loop_write()

    def _look_at_clock(self) -> None:
        self._tick = self._loop.call_later(_TICK_SECONDS, self._look_at_clock)
        self._client.loop_misc()

    def _watch_writing(self, wanted: bool) -> None:
        if self._socket is None:
            return
        if wanted:
            self._loop.add_writer(self._socket, self._writable)
        else:
            self._loop.remove_writer(self._socket)

    def _heed_log(self, _client: Client, _data: object, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self.trouble = plain_words(text.removeprefix(_SAID_BEFORE_TROUBLE))

    def _disconnected(
        self, _client: Client, _data: object, flags: DisconnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        # the library may call this more than once; the first time counts
        if flags.is_disconnect_packet_from_server:
            reason = f"the broker ended the connection: {words_of(code, properties)}"
            if code.value == _TAKEN_OVER:
                reason = "somebody else connected to the broker under our client id"
            self._end(LinkLost(reason, taken_over=code.value == _TAKEN_OVER))
        elif code.value == _KEEPALIVE_TIMEOUT:
            self._end(LinkLost("the broker gave no sign of life"))
        elif not code.is_failure:
            self._end(LinkLost("we closed the connection"))
        else:
            self._end(LinkLost(f"the connection broke: {self.trouble or 'the broker closed it'}"))

    def _end(self, lost: LinkLost) -> None:
        self._forget_socket()
        self._on_end(lost)

    def _forget_socket(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        if self._socket is not None:
            gone, self._socket = self._socket, None
            self._loop.remove_reader(gone)
            self._loop.remove_writer(gone)
            gone.close()


def words_of(code: ReasonCode, properties: Properties | None) -> str:
    """A reason code in words, with what the broker adds."""
    added = "".join(character for character in getattr(properties, "ReasonString", "") if character.isprintable())
    return f"{code.getName().lower()} ({added[:200]})" if added else code.getName().lower()
