"""Many gateways' links in one process: `python -m tests.fleet.storm_links --port N --links N --seed N ...`.

Each is the gateway's own link and the gateway's own decision how long to wait; nothing travels over it. A line of JSON
on standard output tells each wait that was chosen (`wait`, `failures` before it), each link (`linked`) and each loss.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random

from gateway.model.links import Broker, LinkLike, NotLinked, Will
from gateway.rules import reconnecting
from gateway.upstream.link import connect


async def keep_linked(name: str, arguments: argparse.Namespace) -> None:
    """One gateway that had a link in an earlier life: after a power cut, all of them start at once."""
    now = asyncio.get_running_loop().time
    rolled = random.Random(f"{arguments.seed} {name}")
    state = reconnecting.at_start(now(), linked_before=True)
    while True:
        wait = reconnecting.waiting_seconds(
            state,
            now(),
            rolled.random(),
            most_seconds=arguments.most_seconds,
            start_jitter_seconds=arguments.start_jitter_seconds,
        )
        tell(name, "wait", seconds=wait, failures=state.failures)
        await asyncio.sleep(wait)
        try:
            link = await _linked(name, arguments.port)
        except NotLinked as failure:
            tell(name, "not linked", reason=failure.reason)
            state = reconnecting.when_not_linked(state, bad_credentials=failure.bad_credentials)
            continue
        tell(name, "linked", resumed=link.session_present)
        state = reconnecting.when_linked(state, now())
        lost = await link.ended
        tell(name, "lost", reason=lost.reason)
        state = reconnecting.when_lost(state, now(), taken_over=lost.taken_over)


async def _linked(name: str, port: int) -> LinkLike:
    broker = Broker("127.0.0.1", port, False, None, None, None, None, None, name)
    return await connect(broker, Will(f"ocpp-gateway/v1/{name}/up/state", b"{}"), patience_seconds=20)


def tell(name: str, what: str, **more: object) -> None:
    """One line for whoever started us."""
    print(json.dumps({"link": name, "what": what, **more}), flush=True)


async def main() -> None:
    """Keep all links until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--links", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--most-seconds", type=float, required=True)
    parser.add_argument("--start-jitter-seconds", type=float, required=True)
    arguments = parser.parse_args()
    async with asyncio.TaskGroup() as group:
        for number in range(arguments.links):
            group.create_task(keep_linked(f"{arguments.prefix}-{number}", arguments))


if __name__ == "__main__":
    asyncio.run(main())
