"""What each permission lets one do, and the page that says who has which. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, Permission, Role

P = Permission

DESCRIPTIONS: dict[Permission, str] = {
    P.ACCOUNT_VIEW: "see Accounts and OUs",
    P.ACCOUNT_SET_OWNERS: "set an Account's owners by hand, or leave them to its tags again",
    P.SCAN_VIEW: "see Scans and their gaps",
    P.SCAN_RUN: "start, cancel and resume Scans",
    P.SCAN_RESCAN: "scan one Account again, at a limited rate",
    P.SCAN_SCHEDULE: "make, change, pause, run and delete schedules, which start Scans by the clock",
    P.FINDING_VIEW: "see Findings and their evidence",
    P.CONTROL_VIEW: "see Controls",
    P.OUTCOME_EXPORT: "export Outcomes and Findings",
    P.EXCEPTION_VIEW: "see Exception requests and their reasons",
    P.EXCEPTION_REQUEST: "ask for an exception in Accounts, and attach files to what one asked for",
    P.EXCEPTION_REQUEST_OU: "ask for an exception over a whole OU",
    P.EXCEPTION_COMMENT: "comment on Exception requests",
    P.EXCEPTION_DECIDE: "approve or reject an Exception request; never one's own, nor for one's own Account",
    P.EXCEPTION_REVOKE: "end an exception before its time",
    P.TICKET_VIEW: "see Tickets",
    P.TICKET_PROPOSE: "propose a Ticket; with a Grant on the organization also make standing rules, which only propose",
    P.TICKET_DECIDE: "approve or reject a proposed Ticket; never one's own",
    P.TICKET_WORK: "work on a Ticket and claim that it is fixed",
    P.GRANT_VIEW: "see who holds which Grant",
    P.GRANT_MANAGE: "give, extend and revoke Grants; never one's own",
    P.GRANT_DELEGATE: "lend one's own approver's Grant for a while",
    P.USER_VIEW: "see people and service accounts",
    P.USER_MANAGE: "invite people, disable and enable them",
    P.USER_RESET_FACTOR: "take away another person's second factors, so that they enrol anew",
    P.SESSION_END: "end another person's sessions",
    P.TOKEN_VIEW: "see API tokens (never the tokens themselves)",
    P.TOKEN_MANAGE: "make, rotate and revoke API tokens",
    P.POLICY_VIEW: "see the policy table: severities, deadlines, longest exceptions",
    P.POLICY_PROPOSE: "propose a change of the policy table",
    P.POLICY_CONFIRM: "confirm a change that another person proposed",
    P.AUDIT_VIEW: "read the audit trail; takes a Grant on the organization",
    P.AUDIT_EXPORT: "export the audit trail, signed; takes a Grant on the organization",
}

PAGE_HEAD = """# Permissions

Written from `governance/core/policy.py` by `manage.py permissions docs`; a test keeps it current. Nothing is allowed
that isn't listed here. A role means something only inside a Grant: for its scope (an organization, an OU with the
OUs below it, an Account) and until its end. Lists show what the Grant's scope covers; what lies outside it isn't there.

**2nd**: needs a second factor of the last 5 minutes at the act itself, so no API token can do it.
"""


def render_permissions_page() -> str:
    """docs/permissions.md."""
    return "\n".join([PAGE_HEAD, *render_permissions_table(), "", *render_closing()]) + "\n"


def render_permissions_table() -> Iterator[str]:
    names = [role.value.replace("_", " ") for role in Role]
    yield f"| permission | lets one | 2nd | {' | '.join(names)} |"
    yield f"|---|---|---|{'---|' * len(names)}"
    for each in Permission:
        held = " | ".join("✔" if each in ROLE_PERMISSIONS[role] else "" for role in Role)
        yield f"| `{each.value}` | {DESCRIPTIONS[each]} | {'2nd' if each in STEP_UP else ''} | {held} |"


def render_closing() -> Iterator[str]:
    yield "What the table can't say: one's own factors, sessions and Grants are everybody's own, without a role."
