"""Defines the AWS inventory: Organization, OrganizationalUnit, Account. Its rows are never deleted."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Organization(models.Model):
    """An AWS Organization. A company may have several: one per partition, or after a merger."""

    org_id = models.CharField(max_length=34, unique=True)
    partition = models.CharField(max_length=20)
    management_account_id = models.CharField(max_length=12)
    feature_set = models.CharField(max_length=40, blank=True)
    discovered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["org_id"]

    def __str__(self) -> str:
        return self.org_id


class OrganizationalUnit(models.Model):
    """A root or an OU. path: the ids from the root down, separated by slashes: /r-1/ou-1/ou-2/."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ous")
    ou_id = models.CharField(max_length=68)
    name = models.CharField(max_length=256)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=500, db_index=True)
    vanished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["organization", "ou_id"], name="ou_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def depth(self) -> int:
        return self.path.count("/") - 2


class Account(models.Model):
    """An AWS account. unreadable says why the last scan could not read it: {reason, what_to_do, at}."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE"
        SUSPENDED = "SUSPENDED"
        PENDING_CLOSURE = "PENDING_CLOSURE"
        PENDING_ACTIVATION = "PENDING_ACTIVATION"
        CLOSED = "CLOSED"
        VANISHED = "VANISHED"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="accounts")
    account_id = models.CharField(max_length=12, db_index=True)
    name = models.CharField(max_length=256)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    ou = models.ForeignKey(OrganizationalUnit, on_delete=models.PROTECT, null=True, related_name="accounts")
    owners = models.JSONField(default=list)
    owners_set_by_hand = models.BooleanField(default=False)
    # None: AWS refused to return them (tags_gap says why). {}: there are none.
    tags = models.JSONField(null=True)
    tags_gap = models.JSONField(null=True)
    # {region: ENABLED | ENABLED_BY_DEFAULT | DISABLED …} as of the last good scan.
    regions = models.JSONField(default=dict)
    joined_at = models.DateTimeField(null=True)
    vanished_at = models.DateTimeField(null=True)
    last_good_scan_at = models.DateTimeField(null=True)
    unreadable = models.JSONField(null=True)

    class Meta:
        ordering = ["account_id"]
        constraints = [models.UniqueConstraint(fields=["organization", "account_id"], name="account_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"

    @property
    def is_management(self) -> bool:
        return self.account_id == self.organization.management_account_id


class AccountOwner(models.Model):
    """A person who was set by hand as an owner of an Account. While an Account has one, its tags are ignored.

    The rules read the people here; Account.owners has their user names, for display and search.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="owners_by_hand")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # None: a command, or rows of an earlier release.
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["account", "user"], name="account_owner_once")]

    def __str__(self) -> str:
        return f"{self.user_id} owns {self.account_id}"


class AccountEvent(models.Model):
    """An event of an Account in the organization: joined, moved, suspended, vanished, returned …"""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=30)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.account_id}"
