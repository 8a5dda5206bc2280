"""No document may be public or shared outside the organization.

An account that a document is shared with can read all of it: scripts, names of buckets and hosts, how machines
are managed, and secrets that were pasted into it.

**What is judged.** Each document that this account owns (`ssm.ListDocuments`, owner Self) and the accounts that
`ssm.DescribeDocumentPermission` returns for it. `all`, in any case, means every AWS account and fails. An account
outside the organization fails, too.

**Not applicable** in a region where the account owns no documents.

**Unknown** when the permission of this document could not be read (each document is judged by its own
answer), or when it is shared with an account and the organization's accounts are unknown.

**Limits.** Only the sharing is judged. SSM-FF-002 judges the document's content.

**Source of the facts.** Systems Manager API reference,
[DescribeDocumentPermission](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeDocumentPermission.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)

CONTROL = Control(
    id="SSM-DC-002",
    file="ssm_dc_002",
    title="No document is public or shared outside",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    facts={"ssm.document": ("shared_with", "name")},
    container="arn:{p}:ssm:{r}:{a}:document/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("SSM.4"),
    empty_reason="This region has no own documents.",
    remediation=Remediation(
        summary="Remove the share: the first line for the public, the second for an account. Treat the "
        "document's content as disclosed.",
        cli="aws ssm modify-document-permission --name {name} --permission-type Share "
        "--account-ids-to-remove all --region {region}\n"
        "aws ssm modify-document-permission --name {name} --permission-type Share "
        "--account-ids-to-remove ACCOUNT_ID --region {region}",
        code='resource "aws_ssm_document" "this" {\n  name = "{name}"\n'
        '  # No "permissions" block with account_ids outside the organization, and never "All".\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    shared = [str(each) for each in resource["shared_with"]]
    if any(each.lower() == "all" for each in shared):
        return failed("The document is public: every AWS account can read it.")
    others = sorted(set(shared) - {resource.account})
    if not others:
        return passed("The document is not shared.")
    # Without the organization's accounts, any other account may be inside or outside.
    known = resource.context.accounts
    if not known:
        return unknown(f"Shared with {', '.join(others)}; whether the organization owns them is not known.")
    outside = [each for each in others if each not in known]
    if outside:
        return failed(f"The document is shared outside the organization, with {', '.join(outside)}.")
    return passed(f"The document is shared inside the organization only, with {', '.join(others)}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Remove shares with the public or outside the organization."""
    kept = [each for each in resource["shared_with"] if each in resource.context.accounts]
    return (fixes.set_facts(resource, shared_with=kept),)


OURS = {"account": "111122223333", "accounts": frozenset({"111122223333", "444455556666"})}


def _case(name: str, verdict: Verdict, *shared: str, known: bool = True) -> Case:
    context = OURS if known else {"account": "111122223333"}
    return Case(name, verdict, {"shared_with": list(shared), "name": "runbook"}, context=context)


CASES = [
    _case("not shared", Verdict.PASS),
    _case("shared inside", Verdict.PASS, "444455556666"),
    _case("public", Verdict.FAIL, "all"),
    _case("public, as AWS also writes it", Verdict.FAIL, "444455556666", "All"),
    _case("public, organization not known", Verdict.FAIL, "ALL", known=False),
    _case("shared outside", Verdict.FAIL, "444455556666", "999999999999"),
    _case("shared, organization not known", Verdict.UNKNOWN, "444455556666", known=False),
    _case("shared with itself, organization not known", Verdict.PASS, "111122223333", known=False),
    Case("denied", Verdict.UNKNOWN, {"shared_with": GAP, "name": "runbook"}, context=OURS),
]
