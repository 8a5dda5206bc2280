"""Judges a region whose sampled events hold none of the company's own clients. Pure."""

from __future__ import annotations

from scans.domain.control import Outcome, not_applicable, unknown


def judge_absent_events(*, complete: bool) -> Outcome:
    """complete: whether the whole event history was read."""
    if complete:
        return not_applicable(
            "CloudTrail's event history of this region has no call of Systems Manager, apart from the portal's own and "
            "those of SSM Agent."
        )
    return unknown(
        "The newest events of Systems Manager in this region are all the portal's own or SSM Agent's. Older ones were not "
        "read."
    )
