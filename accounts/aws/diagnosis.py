"""Diagnoses whether an account can be scanned: its role, the external id, and each action that is cheap to try."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from accounts.aws import session
from accounts.aws.assume import AssumedRole, AssumeError, acting_as, assume_role
from accounts.aws.calls import SESSION_PREFIX, Call, CallError
from accounts.aws.endpoints import FipsError, home_region
from accounts.aws.gap_kinds import DENIAL_KINDS, GapKind
from accounts.aws.gaps import Gap
from accounts.aws.hub import HubError, is_hub_error
from accounts.aws.pagination import load_paginators
from accounts.aws.reader import AwsReader
from accounts.aws.retry import MAX_TRIES

SMALL_PAGE = 5  # the smallest page that every service accepts (EC2's minimum)
# Macie uses the code of a denial to say that it is off.
SERVICE_OFF = re.compile(r"is not enabled", re.IGNORECASE)
# No policy would change these: what AWS doesn't have, or only tells the management account.
ANSWERED_KINDS = frozenset({GapKind.REJECTED, GapKind.SWITCHED_OFF, GapKind.UNSUPPORTED, GapKind.NOT_OPTED_IN})
ADD_EXTERNAL_ID = (
    "Add the condition StringEquals sts:ExternalId to the role's trust policy (see manage.py scan_role cloudformation)."
)

Assume = Callable[..., AssumedRole]


@dataclass(frozen=True, slots=True)
class DiagnosisProblem:
    what: str
    what_to_do: str


@dataclass(slots=True)
class Diagnosis:
    account: str
    problems: list[DiagnosisProblem] = field(default_factory=list)
    tried: int = 0
    untried: list[str] = field(default_factory=list)

    def problem(self, what: str, what_to_do: str) -> None:
        self.problems.append(DiagnosisProblem(what, what_to_do))


def diagnose_access(
    account: str,
    *,
    partition: str,
    role: str,
    external_id: str,
    sessions: Sequence[Sequence[Call]],
    assume: Assume = assume_role,
) -> Diagnosis:
    """Assume the role with, without and with a wrong external id, then try the declared calls. Raises HubError.

    sessions: the calls of each session that a scan opens. The first one proves the trust policy."""
    found = Diagnosis(account)
    first, *others = sessions
    wanted = {
        "partition": partition,
        "role": role,
        "session_name": f"{SESSION_PREFIX}doctor-{account}",
        "region": home_region(partition),
        # STS's minimum.
        "duration": 900,
    }
    try:
        assumed = assume(account, external_id=external_id, actions=list_call_actions(first), **wanted)
    except AssumeError as error:
        if is_hub_error(error.code) or not external_id:
            raise HubError(str(error)) from error
        found.problem(error.reason, error.what_to_do)
        return found

    def assume_with(given: str | None) -> AssumedRole:
        return assume(account, external_id=given, actions=list_call_actions(first), **wanted)

    for how, given in (("without an external id", None), ("with a wrong external id", secrets.token_hex(16))):
        prove_refused(found, how, partial(assume_with, given))
    gaps: dict[str, Gap] = {}
    with acting_as(assumed):
        try_calls(found, AwsReader(account, partition, "global", first), first, gaps)
    tried = set(first)
    for calls in others:
        untried = [call for call in calls if call not in tried]
        tried |= set(calls)
        try:
            assumed = assume(account, external_id=external_id, actions=list_call_actions(calls), **wanted)
        except AssumeError as error:
            actions = ", ".join(sorted(list_call_actions(untried)))
            found.problem(f"AWS gave no further session of the role, for {actions}: {error.reason}", error.what_to_do)
            continue
        with acting_as(assumed):
            try_calls(found, AwsReader(account, partition, "global", untried), untried, gaps)
    add_gap_problems(found, gaps)
    return found


def list_call_actions(calls: Iterable[Call]) -> set[str]:
    return {call.action for call in calls}


def prove_refused(found: Diagnosis, how: str, attempt: Callable[[], AssumedRole]) -> None:
    try:
        attempt()
    except AssumeError as error:
        # Only a denial proves it: throttling or a network error says nothing about the trust policy.
        if error.kind not in DENIAL_KINDS:
            found.problem(f"The test that the role can't be assumed {how} failed: {error.reason}", error.what_to_do)
    else:
        found.problem(f"The role can be assumed {how}.", ADD_EXTERNAL_ID)


def try_calls(found: Diagnosis, aws: AwsReader, calls: Iterable[Call], gaps: dict[str, Gap]) -> None:
    """Make one call for each action that needs no resource id, and put what was refused into gaps."""
    for call in calls:
        try:
            params = build_smallest_params(call, home_region(aws.partition))
        except FipsError as error:
            found.problem(f"{call.api} can't be called: {error}", "")
            continue
        if params is None:
            found.untried.append(call.action)
            continue
        found.tried += 1
        try:
            aws.call(call.service, call.operation, **params)
        except CallError as error:
            if not is_answer(error):
                gaps[call.action] = error.gap


def is_answer(error: CallError) -> bool:
    """Whether the error proves that the call is allowed, although its code may be that of a denial."""
    # A rejected request is no missing permission: the smallest parameters don't suit every operation.
    return error.gap.kind in ANSWERED_KINDS or SERVICE_OFF.search(error.message) is not None


def add_gap_problems(found: Diagnosis, gaps: dict[str, Gap]) -> None:
    """Report the actions with the same advice together."""
    by_advice: dict[tuple[GapKind, str], list[str]] = {}
    for action, gap in sorted(gaps.items()):
        by_advice.setdefault((gap.kind, gap.advice), []).append(action)
    for (kind, advice), actions in by_advice.items():
        if kind in DENIAL_KINDS:
            found.problem(f"Refused: {', '.join(actions)}.", advice)
            continue
        codes = ", ".join(sorted({gaps[action].code for action in actions}))
        # What a scan may try again, the doctor may, too.
        found.problem(
            f"Could not be tried: {', '.join(actions)} ({codes}).",
            "Run the doctor again." if kind in MAX_TRIES else advice,
        )


def build_smallest_params(call: Call, region: str) -> dict[str, Any] | None:
    """Parameters for one cheap call; None if it needs parameters that only a resource has."""
    shape = session.client(call.service, region).meta.service_model.operation_model(call.operation).input_shape
    if shape is None:
        return {}
    if shape.required_members:
        return None
    limit = load_paginators(call.service).get(call.operation, {}).get("limit_key")
    if limit not in shape.members:
        return {}
    size = max(SMALL_PAGE, int(shape.members[limit].metadata.get("min", 1)))
    return {limit: str(size) if shape.members[limit].type_name == "string" else size}
