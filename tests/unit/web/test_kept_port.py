"""The port for people between two configurations: who comes meanwhile waits, and elsewhere nobody does."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing

import pytest

from gateway.web.kept_port import KeptPort


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_who_comes_meanwhile_waits_for_the_next_one() -> None:
    kept = KeptPort()
    with ExitStack() as stack:
        first = socket.create_server(("127.0.0.1", 0))
        port = first.getsockname()[1]
        assert kept.copies("127.0.0.1", port) == []
        kept.keep("127.0.0.1", port, [first.fileno()])
        first.close()
        guest = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=5)))
        (second,) = kept.copies("127.0.0.1", port)
        stack.enter_context(closing(second))
        answered, _ = second.accept()
        answered.sendall(b"hello")
        answered.close()
        assert guest.recv(10) == b"hello"
        kept.close()
        second.close()
        assert refused(port)


@pytest.mark.parametrize(("host", "more"), [("127.0.0.2", 0), ("127.0.0.1", 1)])
def test_another_place_is_another_door(host: str, more: int) -> None:
    kept = KeptPort()
    with closing(socket.create_server(("127.0.0.1", 0))) as first:
        port = first.getsockname()[1]
        kept.keep("127.0.0.1", port, [first.fileno()])
    assert not refused(port)
    assert kept.copies(host, port + more) == []
    assert refused(port)


def test_a_port_that_the_system_chose_is_not_kept() -> None:
    kept = KeptPort()
    with closing(socket.create_server(("127.0.0.1", 0))) as first:
        port = first.getsockname()[1]
        kept.keep("127.0.0.1", 0, [first.fileno()])
    assert refused(port) and kept.copies("127.0.0.1", 0) == []
