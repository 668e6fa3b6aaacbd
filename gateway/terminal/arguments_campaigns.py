"""The grammar of the commands about firmware rollouts. It does not know what they do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar

_STEERING = {
    "pause": "let no further station begin",
    "resume": "go on after a pause or a halt",
    "abort": "let no further station begin, for ever; those under way are followed to their end",
    "retry": "try the failed stations again",
    "approve": "let the waves after the canary begin",
}


def add_campaigns(firmware: Grammar) -> None:
    """`firmware campaigns` and `firmware campaign ...`."""
    listing = firmware.add("campaigns", "commands_campaigns:campaigns", "rollouts of firmware, newest first")
    listing.add_argument("--open", action="store_true", help="only those that are not over")
    campaign = firmware.group("campaign", "a rollout of firmware: plan, start, watch and steer it")
    show = campaign.add("show", "commands_campaigns:show", "how far each station is")
    show.add_argument("campaign", metavar="CAMPAIGN")
    plan = campaign.add("plan", "commands_campaigns:plan", "which stations it would reach, and why not others")
    _add_wishes(plan)
    start = campaign.add("start", "commands_campaigns:start", "roll an image out")
    start.add_argument("name", metavar="NAME", help="what people call it")
    _add_wishes(start)
    for word, summary in _STEERING.items():
        steer = campaign.add(word, f"commands_campaigns:{word}", summary)
        steer.add_argument("campaign", metavar="CAMPAIGN")


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", required=True, metavar="IMAGE", help="which image of the store")
    parser.add_argument(
        "--station", action="append", metavar="ID", dest="stations", help="only this one; may be given several times"
    )
    parser.add_argument("--policy", metavar="JSON", help="the whole policy; the options below go before it")
    parser.add_argument("--canary", type=int, metavar="N", help="so many stations go first (1)")
    parser.add_argument("--wave-share", type=float, metavar="X", help="share of the rest in each wave (0.2)")
    parser.add_argument("--at-once", type=int, metavar="N", help="so many stations at once (2)")
    parser.add_argument("--max-failures", metavar="N|P%", help="stop at so many failed stations (1)")
    parser.add_argument("--window", metavar="HH:MM-HH:MM", help="only in these hours of the site's clock")
    parser.add_argument("--drain", action="store_true", default=None, help="take free connectors out of service first")
    parser.add_argument(
        "--pause-after-canary", action="store_true", default=None, help="wait for approval after the canary"
    )
