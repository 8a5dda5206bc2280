"""What a request's scope comes to now: accounts, findings, and the rows that spell it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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
MOVED_ACCOUNT_PREFIX = "Account "  # how drift calls an account that joined the scope, or left it
ABSENT_STATUSES = (Account.Status.VANISHED, Account.Status.CLOSED)


def accounts_in_scope(request: ExceptionRequest) -> QuerySet[Account]:
    """The present accounts in the scope, with their OUs."""
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


def list_tagged_accounts(accounts: QuerySet[Account], key: str, value: str) -> list[int]:
    """Compared here, not in SQL: a key is somebody's text, and databases differ in how they quote it."""
    rows = accounts.order_by().values_list("pk", "tags")
    return [pk for pk, tags in rows.iterator(chunk_size=1000) if tags and tags.get(key) == value]


def controls_in_scope(request: ExceptionRequest) -> list[str]:
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        named = Finding.objects.filter(covered_by__request=request)
        return sorted(set(named.order_by().values_list("control", flat=True)))
    return [request.control] if request.control else list(registry.controls())


def findings_in_scope(request: ExceptionRequest) -> QuerySet[Finding]:
    """The open findings that the scope covers now."""
    rows = Finding.objects.filter(state="open").select_related("account").order_by("pk")
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        return rows.filter(covered_by__request=request)
    rows = rows.filter(account__in=accounts_in_scope(request).order_by().values("pk"))
    if request.control:
        rows = rows.filter(control=request.control)
    if request.scope_kind == ExceptionScopeKind.RESOURCE:
        # As keys_of spells it out: what is shown before the approval is what the approval covers.
        rows = rows.filter(resource=request.resource, region__in=(request.region, GLOBAL))
    return rows


def expand_cover_keys(request: ExceptionRequest) -> Iterator[CoverKey]:
    """The scope spelled out, as rows of Cover."""
    match request.scope_kind:
        case ExceptionScopeKind.FINDINGS:
            named = Finding.objects.filter(covered_by__request=request)
            yield from named.values_list("account_id", "control", "fingerprint")
        case ExceptionScopeKind.RESOURCE if request.account:
            id = request.account.account_id
            for control in controls_in_scope(request):
                for region in dict.fromkeys((request.region, GLOBAL)):
                    yield request.account.pk, control, compute_fingerprint(control, id, region, request.resource)
        case _:
            for pk in accounts_in_scope(request).values_list("pk", flat=True):
                yield pk, request.control, ""


@dataclass(slots=True)
class ScopePreview:
    """What a request covers now, and what it would cover that doesn't exist yet. whole: is this all of it? read: how
    far the accounts were read, for the controls in scope."""

    accounts: int = 0
    findings: int = 0
    by_severity: list[tuple[str, int]] = field(default_factory=list)
    by_account: list[tuple[Account, int]] = field(default_factory=list)
    to_come: str = ""
    whole: bool = True
    read: Extent = field(default_factory=Extent)


FUTURE_SCOPE_TEXTS = {
    ExceptionScopeKind.FINDINGS: "Nothing else: a finding that isn't listed here stays open.",
    ExceptionScopeKind.RESOURCE: "This resource only: whatever else comes to fail there under the control, or under any if none is named.",
    ExceptionScopeKind.ACCOUNT: "Also every further resource of this account that comes to fail this control.",
    ExceptionScopeKind.OU: (
        "Also every further resource of these accounts that comes to fail this control. An account that joins or "
        "leaves the OU suspends the exception until it is approved again."
    ),
    ExceptionScopeKind.TAG: (
        "Also every further resource of these accounts that comes to fail this control. An account that gets or loses "
        "the tag suspends the exception until it is approved again."
    ),
}


def preview_scope(request: ExceptionRequest, visible: QuerySet[Account] | None = None) -> ScopePreview:
    """visible: the reader's accounts; others are neither named nor counted. None: whoever decides sees them all."""
    found = ScopePreview(to_come=FUTURE_SCOPE_TEXTS[ExceptionScopeKind(request.scope_kind)])
    inside, findings = accounts_in_scope(request), findings_in_scope(request)
    if visible is not None:
        seen = visible.order_by().values("pk")
        found.whole = not inside.exclude(pk__in=seen).exists()
        inside, findings = inside.filter(pk__in=seen), findings.filter(account__in=seen)
    accounts = {account.pk: account for account in inside}
    scope = Account.objects.filter(pk__in=inside.order_by().values("pk"))
    found.read = extent_of(scope, controls=[request.control] if request.control else [])
    severities: Counter[str] = Counter()
    counts: Counter[int] = Counter()
    for severity, account in findings.order_by().values_list("severity", "account_id"):
        severities[severity] += 1
        counts[account] += 1
    found.accounts, found.findings = len(accounts), sum(counts.values())
    found.by_severity = [(s, severities[s]) for s in reversed(SEVERITY_ORDER) if severities[s]]
    found.by_account = [(accounts[pk], n) for pk, n in counts.most_common() if pk in accounts]
    return found


def count_named_findings(
    requests: Iterable[ExceptionRequest], visible: QuerySet[Account] | None = None
) -> dict[int, int]:
    """Request's id -> how many findings it names that the reader may see (None: all), for many in one query."""
    rows = CoveredFinding.objects.filter(
        request__in=[r.pk for r in requests if r.scope_kind == ExceptionScopeKind.FINDINGS]
    )
    if visible is not None:
        rows = rows.filter(finding__account__in=visible.order_by().values("pk"))
    return dict(rows.order_by().values_list("request").annotate(n=Count("pk")))


def find_partly_hidden(requests: Iterable[ExceptionRequest], visible: QuerySet[Account]) -> set[int]:
    """The ids of those that cover an account which the reader may not see, or whose drift names one that joined or left
    the scope. For many in one query, or two."""
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


def severities_in_scope(request: ExceptionRequest) -> set[str]:
    """Of the controls in scope where named, and of every finding covered now: the gravest decides the rule."""
    found = set(findings_in_scope(request).order_by().values_list("severity", flat=True).distinct())
    if request.control:
        found.add(str(registry.controls()[request.control].control.severity))
    elif request.scope_kind == ExceptionScopeKind.RESOURCE:
        # Every control on the resource, those that don't fail yet too: the gravest of them decides.
        found |= {str(loaded.control.severity) for loaded in registry.controls().values()}
    return found


def describe_scope(request: ExceptionRequest, named: int | None = None) -> str:
    """The scope in words. named: how many findings it names that the reader may see; None: all of them."""
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
