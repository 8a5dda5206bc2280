"""Decides whether a whole region is denied to an account or its scan role, or not enabled yet. Pure: no Django, no boto3.

A region counts as denied if a policy refused calls of several services there, and only calls that such
policies leave out were answered. Data that was made there before the policy may still exist, so the region is unknown:
once, and not once for every control.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from accounts.aws.gaps import NOT_COLLECTED, REGION_API, REGION_DENIED, Gap, GapKind

# The type and facts that the collector region_access yields for each region.
ACCESS_COLLECTOR, ACCESS_TYPE = "region_access", "account.region"
WHOLE_ACCOUNT = "global"  # the place of calls about the whole account; scans.domain.evidence.GLOBAL
# The region of each partition in which the services for a whole account are called, as by accounts.aws.endpoints.
HOME_REGIONS = frozenset(
    {
        "us-east-1",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
        "eusc-de-east-1",
    }
)
READ = "read"
# One or two refused services can have a policy of their own. More, with little answered, are a policy about the region.
SEVERAL = 3
# What AWS Control Tower's region deny and the example in AWS's guide leave out, among the actions that scans need. So
# an answer to one of these says nothing about the others, and a company may leave out tag:GetResources too.
# https://docs.aws.amazon.com/controltower/latest/controlreference/primary-region-deny-policy.html
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
EXEMPT_ACTIONS = re.compile(
    r"(account|iam|kms|organizations|sts):.*|cloudtrail:LookupEvents|ec2:Describe(Regions|TransitGateways|VpnGateways)"
    r"|s3:(GetAccountPublic.*|GetBucketLocation|GetBucketPolicyStatus|GetBucketPublicAccessBlock|ListAllMyBuckets)"
    r"|tag:GetResources"
)
# The service whose data is judged.
SUBJECT = "ssm"
# Policies that companies write for a whole region. That no policy of the role allows a call is a role that lacks it.
DENIALS = (GapKind.DENIED_BY_SCP, GapKind.DENIED_BY_RCP, GapKind.DENIED_BY_BOUNDARY, GapKind.DENIED_BY_IDENTITY_POLICY)


def is_exempt_action(action: str) -> bool:
    return EXEMPT_ACTIONS.fullmatch(action) is not None


def list_refused_services(region: str, gaps: Iterable[Gap]) -> list[str]:
    """The services whose calls in this region were refused, by a policy or since the region isn't enabled.

    In a home region, also those whose calls about the whole account were refused."""
    places = {region, WHOLE_ACCOUNT} if region in HOME_REGIONS else {region}
    refused = (gap for gap in gaps if gap.region in places and gap.kind in (*DENIALS, GapKind.NOT_OPTED_IN))
    return sorted({gap.api.partition(".")[0] for gap in refused} - {REGION_API.partition(".")[0]})


def judge_region_access(region: str, gaps: Collection[Gap], answered: Iterable[str], *, was_denied: bool) -> str | Gap:
    """READ, or the gap that says why not.

    gaps: everything that could not be read there. answered: the IAM actions of the calls that AWS answered there.
    was_denied: the region was denied at the last scan. A scan of a few controls may ask too few services to find out.
    """
    here = [gap for gap in gaps if gap.region == region]
    # An answer that could not be understood shows nothing.
    odd = {gap.action for gap in here if gap.kind is GapKind.MALFORMED}
    opened = {get_service(action) for action in set(answered) - odd if not is_exempt_action(action)}
    refused = {get_service(gap.action) for gap in here if gap.kind in DENIALS} - {""}
    if (len(refused) >= SEVERAL or (refused and was_denied)) and are_left_out(opened, refused):
        kind = next(kind for kind in DENIALS if any(gap.kind is kind for gap in here))
        return Gap(kind, REGION_API, "", region, REGION_DENIED)
    if opened:
        return READ
    # A region that is being enabled: AWS doesn't know the account's credentials there yet.
    disabled = {get_service(gap.action) for gap in here if gap.kind is GapKind.NOT_OPTED_IN}
    if len(disabled) >= SEVERAL:
        return Gap(GapKind.NOT_OPTED_IN, REGION_API, "", region, REGION_DENIED)
    others = sorted(here, key=lambda gap: (gap.api, gap.code))
    return others[0] if others else Gap(GapKind.NOT_READ, REGION_API, "", region, NOT_COLLECTED)


def get_service(action: str) -> str:
    return action.partition(":")[0]


def are_left_out(opened: set[str], refused: set[str]) -> bool:
    """Whether the services that answered may be ones that a company leaves out of its region deny.

    Companies add some to AWS's list: logging, monitoring and security services above all. Systems Manager itself, a
    service of which only some calls are refused, and more services than were refused are no such exceptions."""
    return SUBJECT not in opened and not opened & refused and len(opened) < len(refused)


def is_region_denied(access: object) -> bool:
    """Whether this is the value of `access` for a denied region."""
    return isinstance(access, Gap) and access.code == REGION_DENIED


def is_set_aside(gap: Gap, denied: Collection[str]) -> bool:
    """Whether the gap is only a consequence of a denied region, so that the region's own unknown tells it.

    A call about the whole account is made in the home region, so a policy that denies that region refuses it too."""
    if gap.code == REGION_DENIED:
        return False
    return gap.region in denied or (is_about_account(gap) and gap.kind in DENIALS and is_home_denied(denied))


def is_about_account(gap: Gap) -> bool:
    return gap.region == WHOLE_ACCOUNT


def is_home_denied(denied: Collection[str]) -> bool:
    return not HOME_REGIONS.isdisjoint(denied)
