"""Baseline: the bare `websockets` echo server, as that library documents it. The reference of every ratio."""

from __future__ import annotations

import argparse
import asyncio

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    async with serve(echo, "127.0.0.1", arguments.port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
