"""Resolves a request's scope as of now: its accounts, findings and controls, and the rows that list them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from accounts.models import Account
from exceptions.models import Cover, CoveredFinding, ExceptionRequest
from exceptions.rules import SEVERITY_ORDER, ExceptionScopeKind
from scans import registry
from scans.domain.evidence import GLOBAL
from scans.domain.fingerprint import compute_fingerprint
from scans.models import Finding
from scans.queries.extent import Extent, extent_of

CoverKey = tuple[int, str, str]  # account's row id, control, fingerprint ("" for all of them)
MOVED_ACCOUNT_PREFIX = "Account "  # how drift names an account that joined or left the scope
ABSENT_STATUSES = (Account.Status.VANISHED, Account.Status.CLOSED)


def accounts_in_scope(request: ExceptionRequest) -> QuerySet[Account]:
    """The accounts in the scope that still exist, with their OUs."""
    present = Account.objects.filter(organization=request.organization).exclude(status__in=ABSENT_STATUSES)
    present = present.select_related("ou", "organization").order_by("account_id")
    match request.scope_kind:
        case ExceptionScopeKind.FINDINGS:
            return present.filter(findings__covered_by__request=request).distinct()
        case ExceptionScopeKind.RESOURCE | ExceptionScopeKind.ACCOUNT if request.account:
            return present.filter(pk=request.account.pk)
        case ExceptionScopeKind.OU if request.ou:
            return present.filter(ou__path__startswith=request.ou.path)
        case ExceptionScopeKind.TAG:
            return present.filter(pk__in=list_tagged_accounts(present, request.tag_key, request.tag_value))
    return present.none()


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """What a request covers, read once for one act, which passes it on: every step then speaks of the same rows.

    accounts: as accounts_in_scope orders them. findings: the open ones, as findings_in_scope orders them."""

    accounts: Sequence[Account]
    findings: Sequence[Finding]


def resolve_scope(request: ExceptionRequest) -> ResolvedScope:
    accounts = list(accounts_in_scope(request))
    return ResolvedScope(accounts, list(findings_in_accounts(request, accounts)))


def list_tagged_accounts(accounts: QuerySet[Account], key: str, value: str) -> list[int]:
    """The row ids of the accounts with this tag."""
    # Compared here, not in SQL: a tag's key is free text, and the databases differ in how a JSON path quotes it.
    rows = accounts.order_by().values_list("pk", "tags")
    return [pk for pk, tags in rows.iterator(chunk_size=1000) if tags and tags.get(key) == value]


def controls_in_scope(request: ExceptionRequest) -> list[str]:
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        named = Finding.objects.filter(covered_by__request=request)
        return sorted(set(named.order_by().values_list("control", flat=True)))
    return [request.control] if request.control else list(registry.controls())


def findings_in_scope(request: ExceptionRequest) -> QuerySet[Finding]:
    """The open findings in the scope now."""
    return findings_in_accounts(request, accounts_in_scope(request).order_by())


def findings_in_accounts(request: ExceptionRequest, accounts: Iterable[Account]) -> QuerySet[Finding]:
    """accounts: those in the scope; a query of them stays a part of this one."""
    rows = Finding.objects.filter(state="open").select_related("account").order_by("pk")
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        return rows.filter(covered_by__request=request)
    rows = rows.filter(account__in=accounts)
    if request.control:
        rows = rows.filter(control=request.control)
    if request.scope_kind == ExceptionScopeKind.RESOURCE:
        # The same regions as in expand_cover_keys: the approval covers what the page showed before it.
        rows = rows.filter(resource=request.resource, region__in=(request.region, GLOBAL))
    return rows


def expand_cover_keys(request: ExceptionRequest, accounts: Iterable[Account]) -> Iterator[CoverKey]:
    """The keys of the Cover rows that make up the scope. accounts: those in it."""
    match request.scope_kind:
        case ExceptionScopeKind.FINDINGS:
            named = Finding.objects.filter(covered_by__request=request)
            yield from named.values_list("account_id", "control", "fingerprint")
        case ExceptionScopeKind.RESOURCE if request.account:
            id = request.account.account_id
            for control in controls_in_scope(request):
                # A finding has the resource's region, or "global" where its control judges the account as a whole.
                for region in dict.fromkeys((request.region, GLOBAL)):
                    yield request.account.pk, control, compute_fingerprint(control, id, region, request.resource)
        case _:
            for account in accounts:
                yield account.pk, request.control, ""


@dataclass(slots=True)
class ScopePreview:
    """What a request covers now, and in words what it would cover later.

    whole: the reader sees the entire scope. read: how far the accounts were read, for the controls in scope."""

    accounts: int = 0
    findings: int = 0
    by_severity: list[tuple[str, int]] = field(default_factory=list)
    by_account: list[tuple[Account, int]] = field(default_factory=list)
    to_come: str = ""
    whole: bool = True
    read: Extent = field(default_factory=Extent)


FUTURE_SCOPE_TEXTS = {
    ExceptionScopeKind.FINDINGS: "Covers only the listed findings; other findings stay open.",
    ExceptionScopeKind.RESOURCE: (
        "Also covers new findings of this resource, for the chosen control or, if none is chosen, for every control."
    ),
    ExceptionScopeKind.ACCOUNT: "Also covers resources of this account that fail this control later.",
    ExceptionScopeKind.OU: (
        "Also covers resources of these accounts that fail this control later. The exception is suspended when an "
        "account joins or leaves the OU."
    ),
    ExceptionScopeKind.TAG: (
        "Also covers resources of these accounts that fail this control later. The exception is suspended when an "
        "account gets or loses the tag."
    ),
}


def preview_scope(request: ExceptionRequest, visible: QuerySet[Account] | None = None) -> ScopePreview:
    """visible: the reader's accounts; others are neither named nor counted. None: the reader sees them all."""
    inside, findings, whole = accounts_in_scope(request), findings_in_scope(request), True
    if visible is not None:
        seen = visible.order_by().values("pk")
        whole = not inside.exclude(pk__in=seen).exists()
        inside, findings = inside.filter(pk__in=seen), findings.filter(account__in=seen)
    counted = findings.order_by().values_list("severity", "account_id")
    return build_scope_preview(request, list(inside), counted, whole=whole)


def preview_resolved_scope(request: ExceptionRequest, scope: ResolvedScope) -> ScopePreview:
    """For a reader who sees the whole scope."""
    counted = [(finding.severity, finding.account_id) for finding in scope.findings]
    return build_scope_preview(request, scope.accounts, counted, whole=True)


def build_scope_preview(
    request: ExceptionRequest, inside: Sequence[Account], findings: Iterable[tuple[str, int]], *, whole: bool
) -> ScopePreview:
    """findings: the severity and the account's row id of each."""
    accounts = {account.pk: account for account in inside}
    severities: Counter[str] = Counter()
    counts: Counter[int] = Counter()
    for severity, account in findings:
        severities[severity] += 1
        counts[account] += 1
    return ScopePreview(
        accounts=len(accounts),
        findings=sum(counts.values()),
        by_severity=[(s, severities[s]) for s in reversed(SEVERITY_ORDER) if severities[s]],
        by_account=[(accounts[pk], n) for pk, n in counts.most_common() if pk in accounts],
        to_come=FUTURE_SCOPE_TEXTS[ExceptionScopeKind(request.scope_kind)],
        whole=whole,
        read=extent_of(
            Account.objects.filter(pk__in=list(accounts)), controls=[request.control] if request.control else []
        ),
    )


def count_named_findings(
    requests: Iterable[ExceptionRequest], visible: QuerySet[Account] | None = None
) -> dict[int, int]:
    """Request id -> the number of named findings that the reader can see (None: all), in one query."""
    rows = CoveredFinding.objects.filter(
        request__in=[r.pk for r in requests if r.scope_kind == ExceptionScopeKind.FINDINGS]
    )
    if visible is not None:
        rows = rows.filter(finding__account__in=visible.order_by().values("pk"))
    return dict(rows.order_by().values_list("request").annotate(n=Count("pk")))


def find_partly_hidden(requests: Iterable[ExceptionRequest], visible: QuerySet[Account]) -> set[int]:
    """The ids of the requests that cover, or whose drift names, an account that the reader can't see."""
    # Two queries at most for a page of requests. Drift has to be asked too: an account that left the scope is in no
    # cover any more, and one that joined is in none yet, but the drift tells its id.
    rows = list(requests)
    covers = Cover.objects.filter(request__in=[row.pk for row in rows])
    beyond = covers.exclude(account__in=visible.order_by().values("pk"))
    found = set(beyond.order_by().values_list("request", flat=True).distinct())
    moved = {
        row.pk: {d["what"].removeprefix(MOVED_ACCOUNT_PREFIX) for d in row.drift if d["kind"] == "scope"}
        for row in rows
    }
    named: set[str] = set().union(*moved.values())
    if named:
        seen = set(visible.order_by().filter(account_id__in=named).values_list("account_id", flat=True))
        found |= {pk for pk, ids in moved.items() if ids - seen}
    return found


def severities_in_scope(request: ExceptionRequest, scope: ResolvedScope | None = None) -> set[str]:
    """The severities of the controls in scope and of the findings covered now. The strictest of their rules applies.

    scope: of the request; None: it is read here."""
    if scope is None:
        found = set(findings_in_scope(request).order_by().values_list("severity", flat=True).distinct())
    else:
        found = {finding.severity for finding in scope.findings}
    if request.control:
        found.add(str(registry.controls()[request.control].control.severity))
    elif request.scope_kind == ExceptionScopeKind.RESOURCE:
        # The exception would cover later failures of the resource under any control: every control's severity counts.
        found |= {str(loaded.control.severity) for loaded in registry.controls().values()}
    return found


def describe_scope(request: ExceptionRequest, named: int | None = None) -> str:
    """The scope in words. named: the number of named findings that the reader can see; None: all of them."""
    # Snapshots keep this text, and an approval is compared with them. Changing its words restarts rounds under way.
    match request.scope_kind:
        case "findings":
            count = request.covered.count() if named is None else named
            return f"{count} named finding{'' if count == 1 else 's'}"
        case "resource":
            region = f", {request.region}" if request.region else ""
            return f"{request.control or 'every control'} on {request.resource} in {request.account}{region}"
        case "account":
            return f"{request.control} in {request.account}"
        case "ou":
            place = f"{request.ou} ({request.ou.ou_id})" if request.ou else "no OU"
            return f"{request.control} in {place} and the OUs below it"
    return f"{request.control} in accounts tagged {request.tag_key}={request.tag_value}"
