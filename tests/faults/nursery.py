"""Bears daemons that die on request: a process that has imported the gateway and forks a daemon per line of its input.

A line asks {"configuration": path, "commit": n, "moment": "before" | "after"}: the daemon kills itself with SIGKILL
right before or after its n-th COMMIT (n = 0: it lives). The answer is {"pid": .., "port": ..}, port null when it died
before it served. {"wait": pid} answers when that daemon is gone, {"stop": pid} ends it with SIGTERM first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

from gateway.configuration import load_configuration
from gateway.daemon import Surroundings, run
from gateway.store import database


class DyingConnection:
    """The writer's connection, which counts COMMITs and dies at one of them."""

    commits = 0

    def __init__(self, connection: sqlite3.Connection, commit: int, moment: str) -> None:
        self._connection, self._commit, self._moment = connection, commit, moment

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: object) -> object:
        """Execute; a COMMIT may be the last thing this process does."""
        if sql != "COMMIT":
            return self._connection.execute(sql, *parameters)
        DyingConnection.commits += 1
        fatal = DyingConnection.commits == self._commit
        if fatal and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = self._connection.execute(sql, *parameters)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def live(configuration: Path, commit: int, moment: str, answers: int) -> None:
    """Be a daemon; its port goes to the pipe `answers`."""
    run_batch = database._run_batch
    database._run_batch = lambda connection, numbers, batch: run_batch(  # type: ignore[misc]
        DyingConnection(connection, commit, moment),  # type: ignore[arg-type]
        numbers,
        batch,
    )

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        around = Surroundings(web=False)
        around.started = lambda site, addresses: os.write(answers, b"%d\n" % addresses.stations_port) and None
        await run(load_configuration(configuration), stop=stop, surroundings=around)

    asyncio.run(main())


def bear(request: dict[str, object]) -> dict[str, object]:
    """Fork one daemon; returns when it serves or is dead."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        code = 1
        try:
            live(Path(str(request["configuration"])), int(str(request["commit"])), str(request["moment"]), writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as answers:
        port = answers.readline().strip()
    return {"pid": pid, "port": int(port) if port else None}


def main() -> None:
    """Serve one request after the other; whoever still lives when the input ends is killed."""
    living: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "configuration" in request:
            answer = bear(request)
            living.add(int(str(answer["pid"])))
        else:
            pid = request.get("wait") or request["stop"]
            if "stop" in request:
                os.kill(pid, signal.SIGTERM)
            answer = {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
            living.discard(pid)
        print(json.dumps(answer), flush=True)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
