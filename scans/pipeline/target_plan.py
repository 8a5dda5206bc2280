"""Prepares the work on one Target: collectors, regions, earlier evidence, and the roles to assume."""

from __future__ import annotations

from django.conf import settings

from accounts.aws.assume import AssumedRole, assume_role
from accounts.aws.calls import SESSION_PREFIX
from accounts.aws.endpoints import home_region
from accounts.aws.reader import Counters
from accounts.models import Account
from scans import registry
from scans.domain.collector import VALUE_ROLE
from scans.domain.evidence import Evidence
from scans.domain.region_access import ACCESS_COLLECTOR
from scans.models import EvidenceHead, Target
from scans.pipeline import account_reader
from scans.pipeline.role_sessions import RoleOnDemand, RoleSessions
from scans.pipeline.session_groups import SessionGroup, group_by_session
from scans.pipeline.value_role import build_no_role_error
from scans.storage import blobs


def plan_collection(
    target: Target, controls: list[registry.LoadedControl], counters: Counters
) -> account_reader.CollectionPlan:
    scan, account = target.scan, target.account
    asked = scan.asked.get("regions", [])
    collectors = (
        registry.find_needed_collectors([c.control for c in controls])
        if scan.asked.get("controls")
        else set(registry.collectors())
    )
    # Whatever is asked: without it, a region that is denied would be unknown once for every control.
    collectors.add(ACCESS_COLLECTOR)
    prior: dict[tuple[str, str], Evidence] = {}
    if target.visit > 1:
        # A second visit reads only what other accounts' settings point at. Stage 0 depends on nothing else and was just
        # read, so its evidence of the first visit is used again.
        first = {name for name in collectors if registry.collectors()[name].collector.stage == 0} | {ACCESS_COLLECTOR}
        prior = blobs.load_manifest_evidence(blobs.load_manifest(target.manifest), first)
    return account_reader.CollectionPlan(
        account=account.account_id,
        partition=account.organization.partition,
        collectors=collectors,
        regions_wanted=tuple(asked or settings.SCAN_REGIONS),
        regions_limited=bool(asked),
        inbound={name: tuple(kinds) for name, kinds in target.inbound.items()},
        context=blobs.load_context(scan.context, account=account.account_id, as_of=""),
        prior=prior,
        counters=counters,
        before=load_remembered_evidence(account, collectors),
        own_roles=tuple(filter(None, (settings.SCAN_ROLE, settings.VALUE_ROLE))),
        value_role=RoleOnDemand(lambda: assume_value_role(target, collectors)),
    )


def load_remembered_evidence(account: Account, collectors: set[str]) -> dict[tuple[str, str], Evidence]:
    """The evidence of the last scan that these collectors build on. Collectors of the value role have none if the
    company has not named that role."""
    declared = [registry.collectors()[name].collector for name in collectors]
    names = {wanted for each in declared if each.role != VALUE_ROLE or settings.VALUE_ROLE for wanted in each.remembers}
    heads = EvidenceHead.objects.filter(account=account, collector__in=names)
    manifest: blobs.Manifest = {}
    for head in heads:
        manifest.setdefault(head.region, {})[head.collector] = head.digest
    # Evidence that is no longer kept, or that another version wrote, is only read again.
    return blobs.load_evidence_or_gaps(manifest)


def refuse_inactive_account(account: Account) -> None:
    # A closed or suspended account can no longer be used, apart from its root user viewing bills.
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_close.html
    if account.status != Account.Status.ACTIVE:
        raise account_reader.AccountUnreadableError(
            f"The account is {account.status} in the organization, so its roles can't be assumed.",
            "No action is needed unless you reactivate the account. It is listed because it was not read.",
            skipped=True,
        )


def prepare_scan_sessions(target: Target, collectors: set[str]) -> RoleSessions:
    """The sessions of the scan role that these collectors need. Each is opened when it is first needed."""

    def assume(group: SessionGroup) -> AssumedRole:
        return assume_with_actions(
            target.account, settings.SCAN_ROLE, f"{SESSION_PREFIX}scan-{target.scan_id}-{target.pk}", group
        )

    return RoleSessions(group_by_session(collectors), assume)


def assume_value_role(target: Target, collectors: set[str]) -> AssumedRole:
    """Assume the value role. Raises AssumeError, which becomes the gap of each value."""
    if not settings.VALUE_ROLE:
        raise build_no_role_error()
    # The value role may read one thing, so its collectors share one session.
    [group] = group_by_session(collectors, VALUE_ROLE)
    return assume_with_actions(
        target.account, settings.VALUE_ROLE, f"{SESSION_PREFIX}values-{target.scan_id}-{target.pk}", group
    )


def assume_with_actions(account: Account, role: str, session_name: str, group: SessionGroup) -> AssumedRole:
    """A session of a role of the account, for the actions of this group. Raises AssumeError."""
    return assume_role(
        account.account_id,
        partition=account.organization.partition,
        role=role,
        external_id=settings.EXTERNAL_ID,
        session_name=session_name,
        actions=group.actions,
        region=home_region(account.organization.partition),
    )
