"""A fleet manager that lost its database tells the same gap again, long after it was heeded once."""

from __future__ import annotations

from gateway.rules.delivery import Flow


def test_a_gap_that_was_heeded_before_is_heeded_again_after_progress() -> None:
    flow = Flow(acked=0)
    for sequence in (1, 2, 3):
        flow.sent(sequence, 100, now=0.0)
    assert flow.heard(0, gap=True, newest=3, now=1.0) == "went_back"
    for sequence in (1, 2, 3):
        flow.sent(sequence, 100, now=1.0)
    assert flow.heard(3, gap=False, newest=3, now=2.0) == "progress"
    assert flow.heard(0, gap=True, newest=3, now=3.0) == "went_back"
    assert (flow.acked, flow.last_sent) == (0, 0)
