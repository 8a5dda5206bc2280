"""Descriptions of the permissions, and the page that lists which role has which. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, Permission, Role

P = Permission

DESCRIPTIONS: dict[Permission, str] = {
    P.ACCOUNT_VIEW: "see Accounts and OUs",
    P.ACCOUNT_SET_OWNERS: "set an Account's owners by hand, or take them from its tags again",
    P.SCAN_VIEW: "see Scans and their gaps",
    P.SCAN_RUN: "start, cancel and resume Scans",
    P.SCAN_RESCAN: "scan one Account again, at a limited rate",
    P.SCAN_SCHEDULE: "create, change, pause, run and delete schedules, which start Scans by the clock",
    P.FINDING_VIEW: "see Findings and their evidence",
    P.CONTROL_VIEW: "see Controls",
    P.OUTCOME_EXPORT: "export Outcomes and Findings",
    P.EXCEPTION_VIEW: "see Exception requests and their reasons",
    P.EXCEPTION_REQUEST: "request exceptions in Accounts and attach files to your own requests",
    P.EXCEPTION_REQUEST_OU: "request exceptions for a whole OU",
    P.EXCEPTION_COMMENT: "comment on Exception requests",
    P.EXCEPTION_DECIDE: "approve or reject an Exception request, except your own and those for your Accounts",
    P.EXCEPTION_REVOKE: "end an exception early",
    P.TICKET_VIEW: "see Tickets",
    P.TICKET_PROPOSE: "propose a Ticket; with a Grant on the organization also create ticket rules, which only propose",
    P.TICKET_DECIDE: "approve or reject a proposed Ticket, except your own",
    P.TICKET_WORK: "work on a Ticket and mark it as fixed",
    P.GRANT_VIEW: "see all Grants",
    P.GRANT_MANAGE: "give, extend and revoke Grants, except your own",
    P.GRANT_DELEGATE: "lend your own approver Grant until a date",
    P.USER_VIEW: "see people and service accounts",
    P.USER_MANAGE: "invite people, disable and enable them",
    P.USER_RESET_FACTOR: "reset another person's access, so that they set up new factors",
    P.SESSION_END: "end another person's sessions",
    P.TOKEN_VIEW: "see API tokens (never the tokens themselves)",
    P.TOKEN_MANAGE: "create, rotate and revoke API tokens",
    P.POLICY_VIEW: "see the exception policy: severities, due dates, maximum durations",
    P.POLICY_PROPOSE: "propose a change to the exception policy",
    P.POLICY_CONFIRM: "confirm a change that another person proposed",
    P.AUDIT_VIEW: "read the audit trail; needs a Grant on the organization",
    P.AUDIT_EXPORT: "export the audit trail with a signature; needs a Grant on the organization",
}

PAGE_HEAD = """# Permissions

`manage.py permissions docs` writes this page from `governance/core/policy.py`; a test keeps it current. What isn't
listed here isn't allowed. A role counts only inside a Grant: for its scope (an organization, an OU with the OUs below
it, an Account) and until its end. Lists show only what the Grant's scope covers.

**2nd**: needs a second factor from the last 5 minutes, so API tokens can't do it.
"""


def render_permissions_page() -> str:
    """The content of docs/permissions.md."""
    return "\n".join([PAGE_HEAD, *render_permissions_table(), "", *render_closing()]) + "\n"


def render_permissions_table() -> Iterator[str]:
    names = [role.value.replace("_", " ") for role in Role]
    yield f"| permission | allows to | 2nd | {' | '.join(names)} |"
    yield f"|---|---|---|{'---|' * len(names)}"
    for each in Permission:
        held = " | ".join("✔" if each in ROLE_PERMISSIONS[role] else "" for role in Role)
        yield f"| `{each.value}` | {DESCRIPTIONS[each]} | {'2nd' if each in STEP_UP else ''} | {held} |"


def render_closing() -> Iterator[str]:
    yield "Not in the table: every user manages their own factors, sessions and Grants without a role."
