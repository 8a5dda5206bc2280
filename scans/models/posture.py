"""Models of the roll-ups: how many resources have each verdict. Pages read these instead of counting findings."""

from __future__ import annotations

from django.db import models

from accounts.models import Account


class Counted(models.Model):
    """How many resources have each verdict."""

    control = models.CharField(max_length=20, db_index=True)
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    not_applicable = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class PostureCell(Counted):
    """How many resources of (Account, region, Control) have each verdict. Written only when it changes."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="cells")
    region = models.CharField(max_length=30)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "region", "control"], name="one_cell")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region} {self.control}"


class AccountTotal(Counted):
    """The sum of an Account's PostureCells of one Control, for pages over all regions.

    Ten thousand accounts in many regions have millions of cells, and far fewer of these rows.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="totals")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "control"], name="one_total")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.control}"
