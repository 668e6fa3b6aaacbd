"""What states of firmware images, rollouts and their stations are called, and what to do when a station has failed."""

from __future__ import annotations

from typing import NamedTuple

from gateway.pages.words import mark


class Word(NamedTuple):
    """A text (not translated yet) and how its badge looks: good, warning, bad, or nothing."""

    text: str
    look: str = ""


IMAGE_STATES = {
    "staged": Word(mark("Waiting for approval"), "warning"),
    "approved": Word(mark("Approved"), "good"),
    "withdrawn": Word(mark("Withdrawn")),
}

CAMPAIGN_STATES = {
    "running": Word(mark("Running"), "good"),
    "waiting": Word(mark("Waiting for your approval"), "warning"),
    "paused": Word(mark("Paused"), "warning"),
    "halted": Word(mark("Stopped by itself"), "bad"),
    "aborted": Word(mark("Ended early")),
    "finished": Word(mark("Finished"), "good"),
}

STATION_STATES = {
    "waiting": Word(mark("Waits for its turn")),
    "draining": Word(mark("Waits until nobody charges"), "warning"),
    "sent": Word(mark("Asked to update"), "warning"),
    "downloading": Word(mark("Loads the image"), "warning"),
    "downloaded": Word(mark("Has loaded the image"), "warning"),
    "installing": Word(mark("Installs"), "warning"),
    "rebooted": Word(mark("Has restarted"), "warning"),
    "verified": Word(mark("Runs the new version"), "warning"),
    "checking": Word(mark("Is watched for a while"), "warning"),
    "done": Word(mark("Updated"), "good"),
    "failed": Word(mark("Failed"), "bad"),
    "skipped": Word(mark("Left out")),
    "aborted": Word(mark("Not begun")),
}

FAILURES = {
    "download": Word(
        mark("It could not load the image."),
        mark("Look whether the station reaches the gateway, then try the failed stations again."),
    ),
    "signature": Word(
        mark("It did not accept the signature of the image."),
        mark("Ask the vendor for an image that is signed for this model."),
    ),
    "install": Word(
        mark("It could not install the image."),
        mark("Restart the station and try again. If it fails again, ask the vendor, with the station's diagnostics."),
    ),
    "version_mismatch": Word(
        mark("It came back with another version than expected."),
        mark("Compare the version it reports with that of the image: perhaps only the name of the version is wrong."),
    ),
    "lost": Word(
        mark("It has not come back."),
        mark("Look at the station: it may need its power switched off and on."),
    ),
    "refused": Word(
        mark("It refused the update."),
        mark("Look at its log: some stations refuse updates while a car is plugged in, or from an address like this."),
    ),
    "health": Word(
        mark("It is not well after the update."),
        mark("Look at its state and its faults before the rollout goes on."),
    ),
    "timeout": Word(
        mark("It did nothing in time."),
        mark("Restart the station, then try the failed stations again."),
    ),
}


def word_of(words: dict[str, Word], value: object) -> Word:
    """What a value is called; one that nobody knows is shown as it is (templates fill in what follows a %)."""
    return words.get(str(value), Word(str(value).replace("%", "%%")))
