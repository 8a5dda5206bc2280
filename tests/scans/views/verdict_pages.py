"""The pages that speak of verdicts, for a reader of two roles: all of the portal but those that are named here."""

from __future__ import annotations

from django.urls import reverse

from governance.core.policy import Role
from tests.support.pages import QUERIES, plain_pages, readable_by

ACCOUNT = "/accounts/111122223334/"
VARIANTS = (
    ACCOUNT, f"{ACCOUNT}coverage/", f"{ACCOUNT}as-of/?as_of=2026-01-01", "/findings/?verdict=fail&severity=high",
    "/findings/?account=111122223334", "/controls/SSM-EB-001/", "/frameworks/source/", "/frameworks/source/S9/",
)  # fmt: skip
ROLES = (Role.AUDITOR, Role.GOVERNANCE_APPROVER)
# An approver asks for no exception. Exports have a test of their own.
PLAIN = {
    reverse(name): name for name in readable_by(*ROLES, of=plain_pages()) if name not in {*QUERIES, "exception-new"}
}
# Pages that show no verdict, and so needn't say what was read.
WITHOUT_VERDICTS = {*plain_pages("people/", "audit/", "scans/", "tickets/"), "exceptions", "exception-policy"}
