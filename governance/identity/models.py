"""The models User and Grant: people, service accounts, and their roles."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from governance.core.policy import Role, ScopeKind


class User(AbstractUser):
    """A person in the portal, or a service account, which acts through API tokens only. Never an AWS account."""

    is_service = models.BooleanField(default=False)
    # The person responsible for a service account. If this person is disabled, its tokens are revoked.
    responsible = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="services")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_service=False) | models.Q(responsible__isnull=False),
                name="service_accounts_have_somebody_responsible",
            )
        ]


class Grant(models.Model):
    """A portal role in a scope, until a time. A grant on an OU covers the OUs below it as well.

    Only the end of a row ever changes; a role that is given again is a new row.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=30, choices=[(r.value, r.value) for r in Role])
    scope_kind = models.CharField(max_length=20, choices=[(s.value, s.value) for s in ScopeKind])
    # The AWS id (o-…, ou-…, or an account's 12 digits), not a foreign key: the inventory is a layer above.
    scope_id = models.CharField(max_length=68)
    granted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    # The users who set another end later. Like the giver, they are why the person holds the grant, and so count in
    # conflicts of interest.
    extenders = models.ManyToManyField(User, related_name="+", blank=True)
    granted_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # Set when it was revoked, or when a new Grant of the same role and scope replaced an expired one.
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # For a delegation: the Grant that is lent. The delegation is valid only while that one is.
    delegated_from = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="delegations"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope_kind", "scope_id"],
                condition=models.Q(ended_at__isnull=True, delegated_from__isnull=True),
                name="grant_once",
            ),
            models.UniqueConstraint(
                fields=["user", "delegated_from"],
                condition=models.Q(ended_at__isnull=True, delegated_from__isnull=False),
                name="delegation_once",
            ),
            models.CheckConstraint(
                condition=models.Q(granted_by__isnull=True) | ~models.Q(granted_by=models.F("user")),
                name="nobody_grants_to_themselves",
            ),
            models.CheckConstraint(
                condition=models.Q(delegated_from__isnull=True) | models.Q(ends_at__isnull=False),
                name="delegations_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} on {self.scope_kind} {self.scope_id}"


# Django finds models through this module.
from governance.identity.credentials import ApiToken, FactorStep, OneTimeLink  # noqa: E402

__all__ = ["ApiToken", "FactorStep", "Grant", "OneTimeLink", "User"]
