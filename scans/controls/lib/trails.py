"""Reads the trails that cover an account, its own and the organization's. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.control import ResourceView
from scans.domain.evidence import GLOBAL
from scans.domain.other_accounts import get_arn_account

TRAIL = "cloudtrail.trail"


class TrailFacts:
    """The facts of one trail: as this account was told, or else as the account that owns the trail was told.

    A member account sees its organization's trail, but AWS may tell its status and selectors to the owner only."""

    def __init__(self, resource: ResourceView, arn: str) -> None:
        seen = resource.look_up(TRAIL, arn, region=GLOBAL)
        if seen is None:
            raise GapError(Gap(GapKind.NOT_READ, TRAIL, "", resource.region, NOT_COLLECTED))
        self.arn = arn
        self.owner = get_arn_account(arn)
        self.region = seen.region
        self._resource = resource
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        try:
            return self._seen[name]
        except GapError:
            if self.owner == self._resource.account:
                raise
            return self._resource.look_up_other(self.owner, TRAIL, self.arn, GLOBAL)[name]


Test = tuple[Callable[[TrailFacts], bool], str]


def find_first_problem(trail: TrailFacts, tests: tuple[Test, ...]) -> str:
    """Why the trail doesn't qualify; empty if it does. GapError only where no known fact disqualifies it."""
    gaps: list[Gap] = []
    reasons: list[str] = []
    # A known fact that disqualifies the trail decides, even if another fact could not be read.
    for test, problem in tests:
        try:
            if not test(trail):
                return problem
        except GapError as error:
            gaps += error.gaps
            reasons += [error.reason] if error.reason else []
    if gaps:
        raise GapError(*dict.fromkeys(gaps), reason=reasons[0] if reasons else "")
    return ""


def find_qualifying_trail(resource: ResourceView, arns: list[str], tests: tuple[Test, ...]) -> tuple[str, list[str]]:
    """(the first of these trails that passes the tests, "" for none; why each other one doesn't).

    GapError if none is proved to qualify and one that can't be read, or isn't listed, may qualify."""
    gaps: list[Gap] = []
    reasons: list[str] = []
    problems: list[str] = []
    for arn in arns:
        try:
            problem = find_first_problem(TrailFacts(resource, arn), tests)
        except GapError as error:
            gaps += error.gaps
            reasons += [error.reason] if error.reason else []
            continue
        if not problem:
            # One qualifying trail is enough, even if others could not be read.
            return arn, problems
        problems.append(f"{arn} {problem}")
    if gaps:
        raise GapError(*dict.fromkeys(gaps), reason=reasons[0] if reasons else "")
    resource.all(TRAIL)  # raises if the list may be incomplete
    return "", problems
