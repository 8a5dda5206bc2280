"""Discovers an AWS Organization: first the calls, then a pure transformation.

Works from the management account or from a delegated administrator. A part that can't be listed
fails the whole discovery: an account that was not read must not look like one that left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.aws.assume_failures import CORRECT_CONFIGURATION, NO_CREDENTIALS_CODES, describe_misconfiguration
from accounts.aws.calls import Call, CallError, Listing
from accounts.aws.credentials import acting_as
from accounts.aws.error_codes import EXPIRED_CODES
from accounts.aws.errors import MISCONFIGURED, malformed_answer
from accounts.aws.gap_kinds import DENIAL_KINDS, GapKind, strip_code
from accounts.aws.gaps import Gap
from accounts.aws.reader import AwsReader
from governance.core.storable import REPLACEMENT_MARK, make_single_line

CALLS = tuple(
    Call("organizations", operation, f"organizations:{operation}")
    for operation in (
        "DescribeOrganization",
        "ListRoots",
        "ListOrganizationalUnitsForParent",
        "ListAccountsForParent",
        "ListTagsForResource",
    )
)
# ListTagsForResource takes one account per call, and AWS throttles it early.
TAG_THREADS = 8
GLOBAL = "global"
# What the tables hold. AWS's limit is 128, but an account must not be left out for its name.
MAX_NAME = 256
# docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html and API_Account.html, without lengths
UNIT_ID, ACCOUNT_ID = re.compile(r"[a-z0-9-]{1,68}"), re.compile(r"\d{12}", re.ASCII)
ODD_UNIT = "its id is none that AWS gives, so the OUs and accounts in it can't be listed"
ODD_ACCOUNT = "its id is not 12 digits"
RUN_FROM_WHERE = "Run discover with credentials of the management account or of a delegated administrator account"


class DiscoveryError(Exception):
    """The organization could not be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DiscoveredUnit:
    """A root (parent None) or an OU. path: the ids from the root down, separated by slashes."""

    id: str
    name: str
    parent: str | None
    path: str


@dataclass(frozen=True, slots=True)
class DiscoveredAccount:
    """An account as AWS lists it. tags is None if AWS refused to return them; tags_gap then says why."""

    id: str
    name: str
    status: str
    ou: str
    joined_at: datetime | None = None
    tags: dict[str, str] | None = None
    tags_gap: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DiscoveredOrganization:
    """failed: id of an OU or account -> why AWS's entry can't be read. complete: False if an id can't be used, so
    accounts and OUs that are not here may still exist. replaced: names and tags in which a mark replaces characters
    that can't be stored."""

    org_id: str
    partition: str
    management_account: str
    feature_set: str
    units: tuple[DiscoveredUnit, ...]
    accounts: tuple[DiscoveredAccount, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    replaced: tuple[str, ...] = ()


@dataclass(slots=True)
class OrganizationAnswers:
    """AWS's answers: units and accounts, each with its parent's id, parents first.

    odd_ids: id of an OU or account that can't be asked about -> why.
    odd: a part could not be stored and was replaced by marks."""

    organization: dict[str, Any]
    units: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    accounts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tags: dict[str, Listing] = field(default_factory=dict)
    odd_ids: dict[str, str] = field(default_factory=dict)
    odd: bool = False


def discover_organization(partition: str, progress: Callable[[str], None] = lambda _: None) -> DiscoveredOrganization:
    """Read the whole organization with the hub's credentials. Raises DiscoveryError."""
    try:
        with acting_as(None):
            answers = read_organization(AwsReader("hub", partition, GLOBAL, CALLS, as_hub=True), progress)
        return parse_organization(answers)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise DiscoveryError(f"AWS Organizations gave an answer without {error}. Run discover again.") from error


def read_organization(aws: AwsReader, progress: Callable[[str], None] = lambda _: None) -> OrganizationAnswers:
    try:
        answers = OrganizationAnswers(aws.call("organizations", "DescribeOrganization").get("Organization", {}))
    except CallError as error:
        raise explain_call_error(error) from error
    for root in require_items(aws.pages("organizations", "ListRoots", "Roots")):
        read_unit(aws, answers, None, root)
    progress(f"{len(answers.accounts)} accounts in {len(answers.units)} roots and OUs; reading their tags")
    ids = [account["Id"] for _, account in answers.accounts]
    with ThreadPoolExecutor(TAG_THREADS, thread_name_prefix="tags") as pool:
        answers.tags = dict(zip(ids, pool.map(lambda account: read_tags(aws, account), ids), strict=True))
    answers.odd = bool(aws.replaced)
    return answers


def read_unit(aws: AwsReader, answers: OrganizationAnswers, parent: str | None, unit: dict[str, Any]) -> None:
    """A root or OU with what is below it; of one with an odd id only that it is there."""
    # An id with a replaced character names another OU or none, and its empty list would look like accounts that left.
    if not UNIT_ID.fullmatch(unit["Id"]):
        answers.odd_ids[unit["Id"]] = ODD_UNIT
        return
    answers.units.append((parent, unit))
    read_below_parent(aws, answers, unit["Id"])


def read_below_parent(aws: AwsReader, answers: OrganizationAnswers, parent: str) -> None:
    """The accounts and OUs below a parent, however deep."""
    found = aws.pages("organizations", "ListAccountsForParent", "Accounts", ParentId=parent)
    for account in require_items(found):
        if ACCOUNT_ID.fullmatch(account["Id"]):
            answers.accounts.append((parent, account))
        else:
            answers.odd_ids[account["Id"]] = ODD_ACCOUNT
    below = aws.pages("organizations", "ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent)
    for unit in require_items(below):
        # AWS allows only five levels of OUs, so recursion is safe.
        read_unit(aws, answers, parent, unit)


def read_tags(aws: AwsReader, account: str) -> Listing:
    return aws.pages("organizations", "ListTagsForResource", "Tags", ResourceId=account)


def require_items(listing: Listing) -> list[Any]:
    if listing.gap is not None:
        raise explain_call_error(CallError(listing.gap))
    return listing.items


def explain_call_error(error: CallError) -> DiscoveryError:
    gap, code = error.gap, error.code
    # Ordered from the most specific code to the general kind.
    if code in {"AWSOrganizationsNotInUseException", "AWSOrganizationsNotInUse"}:
        return DiscoveryError(f"The hub's account is in no AWS Organization. {RUN_FROM_WHERE}.")
    if code == "CredentialsRefused":
        return DiscoveryError(error.message)
    if code == MISCONFIGURED:
        return DiscoveryError(f"{describe_misconfiguration(error.message)} {CORRECT_CONFIGURATION}")
    if code in NO_CREDENTIALS_CODES:
        return DiscoveryError(
            "There are no AWS credentials. Give the hub an instance or task role, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        )
    if gap.kind is GapKind.CLOCK:
        return DiscoveryError(f"{gap.sentence()}. Set the clock of the portal's machine, then run discover again.")
    if strip_code(code) in EXPIRED_CODES:
        return DiscoveryError("The AWS credentials have expired. Renew them, then run discover again.")
    if gap.kind is GapKind.BAD_CREDENTIALS:
        return DiscoveryError(f"AWS doesn't accept the credentials ({code}). Check them, and AWS_REGION's partition.")
    if gap.kind in DENIAL_KINDS - {GapKind.DENIED}:
        return DiscoveryError(f"{gap.sentence()}. That policy must allow {gap.action} to the hub. {RUN_FROM_WHERE}.")
    if gap.kind is GapKind.DENIED:
        return DiscoveryError(
            f"{gap.sentence()}. {RUN_FROM_WHERE}, and allow there: {', '.join(call.action for call in CALLS)}."
        )
    if gap.kind in {GapKind.TIMEOUT, GapKind.UNREACHABLE}:
        return DiscoveryError(f"{gap.sentence()}. Check the network, the proxy and AWS_ENDPOINT_URL.")
    return DiscoveryError(f"{gap.sentence()}. Nothing was changed; run discover again.")


def parse_organization(answers: OrganizationAnswers) -> DiscoveredOrganization:
    """Pure: the answers as values, in a stable order."""
    organization = answers.organization
    # AWS's API still uses the older name.
    management = organization.get("MasterAccountId") or organization["ManagementAccountId"]
    if REPLACEMENT_MARK in organization["Id"] or not ACCOUNT_ID.fullmatch(management):
        raise DiscoveryError(
            "AWS Organizations gave an organization with odd ids. Nothing was changed; run discover again."
        )
    units = tuple(parse_units(answers))
    accounts: dict[str, DiscoveredAccount] = {}
    failed: dict[str, str] = dict(answers.odd_ids)
    for parent, account in answers.accounts:
        id = account["Id"]
        try:
            accounts[id] = parse_account(parent, account, answers)
        except (KeyError, TypeError, AttributeError) as error:
            failed[id] = f"AWS lists it in a form that can't be read ({type(error).__name__})"
    listed_accounts = tuple(accounts[id] for id in sorted(accounts))
    return DiscoveredOrganization(
        org_id=organization["Id"],
        partition=organization["Arn"].split(":")[1],
        management_account=management,
        feature_set=organization.get("FeatureSet", ""),
        units=units,
        accounts=listed_accounts,
        failed=failed,
        complete=not answers.odd_ids,
        replaced=tuple(list_replaced_texts(units, listed_accounts)) if answers.odd else (),
    )


def list_replaced_texts(units: Iterable[DiscoveredUnit], accounts: Iterable[DiscoveredAccount]) -> Iterator[str]:
    """The names and tags in which a mark replaces characters that can't be stored."""
    for unit in units:
        if REPLACEMENT_MARK in unit.name:
            yield f"the name of OU {unit.id}"
    for account in accounts:
        if REPLACEMENT_MARK in account.name:
            yield f"the name of account {account.id}"
        if any(REPLACEMENT_MARK in text for pair in (account.tags or {}).items() for text in pair):
            yield f"the tags of account {account.id}"


def parse_units(answers: OrganizationAnswers) -> Iterator[DiscoveredUnit]:
    paths: dict[str, str] = {}
    for parent, unit in answers.units:
        paths[unit["Id"]] = f"{paths[parent] if parent else '/'}{unit['Id']}/"
        yield DiscoveredUnit(unit["Id"], parse_name(unit), parent, paths[unit["Id"]])


def parse_account(parent: str, account: dict[str, Any], answers: OrganizationAnswers) -> DiscoveredAccount:
    tags, gap = parse_tags(answers.tags[account["Id"]])
    return DiscoveredAccount(
        id=account["Id"],
        name=parse_name(account),
        # State is the newer field; Status is deprecated and has fewer values.
        status=require_string(account.get("State") or account["Status"]),
        ou=parent,
        joined_at=joined if isinstance(joined := account.get("JoinedTimestamp"), datetime) else None,
        tags=tags,
        tags_gap=None if gap is None else gap.as_dict(),
    )


def parse_name(item: dict[str, Any]) -> str:
    """The name of an account or OU, in one line, cut to what the tables hold; its id if it has none."""
    return make_single_line(require_string(item.get("Name") or item["Id"]))[:MAX_NAME]


def require_string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def parse_tags(listing: Listing) -> tuple[dict[str, str] | None, Gap | None]:
    """The tags, or the gap if they are unknown."""
    if listing.gap is not None:
        return None, listing.gap
    try:
        pairs = [(tag["Key"], tag.get("Value") or "") for tag in listing.items]
    except (KeyError, TypeError, AttributeError):
        pairs = [(None, None)]
    if all(isinstance(text, str) for pair in pairs for text in pair):
        return dict(pairs), None
    return None, malformed_answer(CALLS[-1], GLOBAL).gap
