"""The grammar of the commands about the store of firmware images. It does not know what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.terminal.arguments import Grammar


def add_firmware(grammar: Grammar) -> Grammar:
    """`firmware` and what belongs to it; further commands of the group are added to what is returned."""
    firmware = grammar.group(
        "firmware", "firmware images for stations", by_itself="commands_firmware:list_newest_images"
    )
    images = firmware.add("images", "commands_firmware:list_images", "images in the store, newest first")
    images.add_argument("--state", choices=("staged", "approved", "withdrawn"), help="only these (all but withdrawn)")
    images.add_argument("--vendor", metavar="NAME", help="only this vendor's")
    images.add_argument("--model", metavar="NAME", help="only those for this model")
    _add_import(firmware)
    approve = firmware.add("approve", "commands_firmware:approve", "let stations have an image")
    approve.add_argument("image", metavar="IMAGE")
    withdraw = firmware.add("withdraw", "commands_firmware:withdraw", "withdraw an image: nobody can fetch it any more")
    withdraw.add_argument("image", metavar="IMAGE")
    firmware.add("check", "commands_firmware:check", "read the bytes of all images again")
    return firmware


def _add_import(firmware: Grammar) -> None:
    read = firmware.add(
        "import", "commands_firmware_import:import_images", "take images into the store; goes on where it broke off"
    )
    read.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH",
        help="a file, with FILE.json beside it or with the options below; or a folder, such as a USB stick, with such"
        " pairs in it",
    )  # fmt: skip
    read.add_argument("--vendor", metavar="NAME", help="as stations tell it when they boot")
    read.add_argument("--model", action="append", metavar="NAME", help="for which it is; may be given several times")
    read.add_argument("--version", metavar="TEXT", help="of the firmware")
    read.add_argument("--reported-version", metavar="TEXT", help="what a station tells when it runs it, if it differs")
    read.add_argument("--hw-revision", action="append", metavar="NAME", help="may be given several times")
    read.add_argument("--min-from", metavar="TEXT", help="the oldest version that may be updated with it")
    read.add_argument("--max-from", metavar="TEXT", help="the newest version that may be updated with it")
    read.add_argument("--downgrade-allowed", action="store_true", default=None, help="stations may go back to it")
    read.add_argument("--signature", type=Path, metavar="FILE", help="the vendor's signature, base64 or as it is")
    read.add_argument("--certificate", type=Path, metavar="FILE", help="the certificate it was signed with, as PEM")
    read.add_argument("--notes", metavar="TEXT", help="release notes")
    read.add_argument("--sha256", metavar="DIGEST", help="what the vendor says that it is")
    read.add_argument("--staged", action="store_true", help="do not approve it yet")
