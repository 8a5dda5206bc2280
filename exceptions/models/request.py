"""The exception request, what it covers, its comments and its files."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Organization, OrganizationalUnit
from exceptions.rules import ExceptionScopeKind
from governance.core.states import EXCEPTION
from governance.identity.models import User
from scans.models import Finding

# While a renewal is in one of these states, no second renewal of the same exception can be requested.
RENEWING_STATES = ("submitted", "changes_requested", "approved", "suspended")
STATES = sorted({target for _, target in EXCEPTION.moves.values()} | {"draft"})


class ExceptionRequest(models.Model):
    """A request to accept Findings until a date.

    scope_kind says which of the scope's columns count: findings (rows of CoveredFinding), resource
    (account, resource, and control if not all), account (control, account), ou (control, ou with its
    children), tag (control, accounts with tag_key = tag_value). An approved request is never edited or
    deleted; it is active only while starts_at <= now < expires_at.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="exception_requests")
    state = models.CharField(max_length=20, default="draft", db_index=True)
    version = models.PositiveIntegerField(default=1)
    scope_kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in ExceptionScopeKind])
    control = models.CharField(max_length=20, blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    ou = models.ForeignKey(OrganizationalUnit, on_delete=models.PROTECT, null=True, related_name="+")
    tag_key = models.CharField(max_length=128, blank=True)
    tag_value = models.CharField(max_length=256, blank=True)
    resource = models.TextField(blank=True)
    region = models.CharField(max_length=30, blank=True)
    justification = models.TextField(blank=True)
    business_owner = models.CharField(max_length=200, blank=True)
    compensation = models.TextField(blank=True)
    # Control ids that must go on passing in the accounts in scope.
    compensating_controls = models.JSONField(default=list)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exception_requests")
    # The person for whom a service account asks.
    on_behalf_of = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # Earlier releases kept that person as text. Text that names no user, or several, stays here; it is never approved.
    on_behalf_of_unknown = models.CharField(max_length=200, blank=True)
    # Until it is approved: the start that the requester chose, or null for "once it is approved".
    starts_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    severity = models.CharField(max_length=15, blank=True)
    quorum = models.PositiveSmallIntegerField(default=1)
    # Each submission or suspension begins a round; a person decides once a round.
    round = models.PositiveIntegerField(default=0)
    renews = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="renewals")
    renewal = models.PositiveSmallIntegerField(default=0)
    # The approval's baseline, with which drift is found:
    # {"accounts": [...], "controls": {id: {version, severity}}, "compensating": {...}}.
    basis = models.JSONField(default=dict)
    # Why it is suspended: [{kind, what, was, is}].
    drift = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="exception_state_known"),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "changes_requested", "withdrawn"])
                | models.Q(
                    state__in=["submitted", "rejected", "expired"], expires_at__isnull=False, starts_at__isnull=True
                )
                | models.Q(expires_at__isnull=False, starts_at__isnull=False, expires_at__gt=models.F("starts_at")),
                name="exception_has_an_end",
            ),
            models.CheckConstraint(
                condition=models.Q(scope_kind="findings")
                | models.Q(scope_kind="resource", account__isnull=False) & ~models.Q(resource="")
                | models.Q(scope_kind="account", account__isnull=False) & ~models.Q(control="")
                | models.Q(scope_kind="ou", ou__isnull=False) & ~models.Q(control="")
                | models.Q(scope_kind="tag") & ~models.Q(control="") & ~models.Q(tag_key=""),
                name="exception_scope_not_empty",
            ),
            models.CheckConstraint(
                condition=models.Q(on_behalf_of__isnull=True) | models.Q(on_behalf_of_unknown=""),
                name="on_behalf_of_known_or_not",
            ),
            # Drafts don't block other renewals: only their writer sees them. Each person has one draft at most.
            models.UniqueConstraint(
                fields=["renews"], condition=models.Q(state__in=RENEWING_STATES), name="one_renewal_asked_for"
            ),
            models.UniqueConstraint(
                fields=["renews", "requested_by"], condition=models.Q(state="draft"), name="one_draft_of_a_renewal"
            ),
        ]
        indexes = [models.Index(fields=["state", "expires_at"], name="exception_by_end")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"EX-{self.pk}"

    @property
    def behalf(self) -> str:
        """The user name of the person for whom it was requested; for an unknown person, the text as it was typed."""
        if self.on_behalf_of_unknown:
            return f"not known who: {self.on_behalf_of_unknown}"
        return self.on_behalf_of.get_username() if self.on_behalf_of else ""


class Cover(models.Model):
    """One (account, control, fingerprint) that a request covers; an empty fingerprint covers every finding of both.

    The rows list the scope as it was at the approval; a change of its membership suspends the request. live
    follows the request's state in the same transaction; starts_at and expires_at are compared with the clock when read.
    """

    request = models.ForeignKey(ExceptionRequest, on_delete=models.CASCADE, related_name="covers")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    control = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64, blank=True)
    live = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "account", "control", "fingerprint"], name="covered_once")
        ]
        # Every list of findings asks for covers. The partial index holds live rows only, few beside all that ever were.
        indexes = [
            models.Index(
                fields=["account", "control", "fingerprint", "expires_at"],
                name="cover_live",
                condition=models.Q(live=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.control} in {self.account_id}"


class CoveredFinding(models.Model):
    """A Finding that the request names (scope findings) or that it covered at the approval, as it was then."""

    request = models.ForeignKey(ExceptionRequest, on_delete=models.CASCADE, related_name="covered")
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="covered_by")
    facts = models.CharField(max_length=64, blank=True)
    control_version = models.PositiveIntegerField(default=0)
    severity = models.CharField(max_length=15, blank=True)

    class Meta:
        ordering = ["finding_id"]
        constraints = [models.UniqueConstraint(fields=["request", "finding"], name="named_once")]

    def __str__(self) -> str:
        return f"{self.request_id}: finding {self.finding_id}"


class Comment(models.Model):
    """One comment in a request's thread. Rows are only ever added."""

    request = models.ForeignKey(ExceptionRequest, on_delete=models.PROTECT, related_name="comments")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.request_id} at {self.at}"


class Attachment(models.Model):
    """A file of a request: small, of a known type, served only as a download."""

    request = models.ForeignKey(ExceptionRequest, on_delete=models.PROTECT, related_name="attachments")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=150)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
