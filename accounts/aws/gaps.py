"""Describes values that a read could not obtain, and why. Pure: no Django, no boto3."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class GapKind(StrEnum):
    DENIED = "denied"
    DENIED_BY_SCP = "denied_by_scp"
    NO_SESSION = "no_session"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    NOT_OPTED_IN = "not_opted_in"
    UNSUPPORTED = "unsupported"
    NO_FIPS = "no_fips"
    REJECTED = "rejected"
    TOO_COSTLY = "too_costly"
    OUT_OF_TIME = "out_of_time"
    REPLACED = "replaced"
    INTERNAL = "internal"
    NOT_READ = "not_read"


# These are part of reasons in findings and exports.
EXPLANATIONS = {
    GapKind.DENIED: "was denied",
    GapKind.DENIED_BY_SCP: "was denied by a service control policy",
    GapKind.NO_SESSION: "gave no session of the role",
    GapKind.THROTTLED: "was throttled until the retries ran out",
    GapKind.TIMEOUT: "timed out",
    GapKind.UNREACHABLE: "could not be reached",
    GapKind.SERVER_ERROR: "failed inside AWS",
    GapKind.MALFORMED: "gave an answer that could not be read",
    GapKind.NOT_OPTED_IN: "was refused because the region is not enabled for the account",
    GapKind.UNSUPPORTED: "is not offered in this region",
    GapKind.NO_FIPS: "was not asked, since AWS publishes no FIPS endpoint for it there",
    GapKind.REJECTED: "was rejected as a request",
    GapKind.TOO_COSTLY: "gave more than may be read of one resource",
    GapKind.OUT_OF_TIME: "was not read in the time that a scan may take",
    GapKind.REPLACED: "has characters or numbers that can't be stored, so they were replaced",
    GapKind.INTERNAL: "failed inside the portal",
    GapKind.NOT_READ: "was not read in this scan",
}

# The code of a gap for something that the scan of the evidence didn't read: the part that reads it is newer.
NOT_COLLECTED = "NotCollected"
# Codes of gaps in answers that could be kept only in part.
TEXT_REPLACED, TOO_DEEP = "TextReplaced", "TooDeep"
# Codes of gaps in stored evidence: it has the form of another version, or was deleted.
OTHER_SCHEMA, NOT_KEPT = "OtherSchema", "NotKept"
# Codes of gaps in another account's evidence: it could not be read, or the scan left it out.
OWNER_NOT_READ, ACCOUNTS_LIMITED = "OwnerNotRead", "AccountsLimited"
# Code and API of the gap for a region that a policy of the organization denies as a whole.
REGION_DENIED, REGION_API = "RegionDenied", "scan.Region"
EXPLANATIONS_BY_CODE = {
    REGION_DENIED: "was denied as a whole by a service control policy",
    OWNER_NOT_READ: "was not possible in this scan in the account that owns the resource",
    ACCOUNTS_LIMITED: "were limited, so the account that owns the resource was not read in this scan",
    NOT_COLLECTED: "was not collected then, when this evidence was read",
    OTHER_SCHEMA: "is kept in a form that this version of the portal can't read",
    NOT_KEPT: "is no longer kept",
}

WHAT_TO_DO = {
    GapKind.DENIED: "Allow the action in the scan role; manage.py scan_role policy prints the whole policy.",
    GapKind.DENIED_BY_SCP: "Exempt the scan role in the service control policy that denies the action.",
    GapKind.NO_SESSION: "Run manage.py doctor: it says why the role can't be assumed, and what to do.",
    GapKind.THROTTLED: "Scan the account again at a quieter time, or with a smaller TUTELA_THREADS.",
    GapKind.TIMEOUT: "Scan the account again; if it keeps failing, check the network between the portal and the region.",
    GapKind.UNREACHABLE: "Check the network, the proxy and the VPC endpoints between the portal and the region.",
    GapKind.SERVER_ERROR: "Scan the account again; if it keeps failing, see the AWS Health Dashboard.",
    GapKind.MALFORMED: "Scan the account again; if it keeps failing, look for a proxy that changes answers.",
    GapKind.NOT_OPTED_IN: "No action is needed unless the region is in use; then enable it for the account.",
    GapKind.UNSUPPORTED: "No action is needed: AWS doesn't offer it in this region.",
    GapKind.NO_FIPS: "Accept that it is unknown, or scan this account without FIPS endpoints (AWS_USE_FIPS_ENDPOINT).",
    GapKind.REJECTED: "Report this: the portal sent a request that AWS doesn't accept.",
    GapKind.TOO_COSTLY: "Check the resource: it is larger or deeper than AWS allows, or was made to block its readers.",
    GapKind.OUT_OF_TIME: "Scan the account again; if it keeps failing, raise TUTELA_COLLECTOR_MINUTES or TUTELA_ACCOUNT_MINUTES.",
    GapKind.REPLACED: "Correct the text in AWS: a \ufffd marks invalid Unicode or a NUL character.",
    GapKind.INTERNAL: "Report this with the log entry of the id in the code; then scan the account again.",
    GapKind.NOT_READ: "Scan the account again, with this control and region included.",
}
# Calls for which the general advice is wrong: S3 answers 403 for another account's bucket even if the role allows it.
# docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
WHAT_TO_DO_BY_CALL = {
    (GapKind.DENIED, "s3.HeadBucket"): "Scan the account that owns the bucket, too, or ask its owner to allow"
    " s3:ListBucket; if the bucket belongs to this account, allow the action in the scan role.",
    (GapKind.NOT_READ, "sts.AssumeRole"): "Make the account that owns the resource readable (its page shows why it"
    " isn't), then scan again.",
    (GapKind.DENIED_BY_SCP, REGION_API): "Exempt the scan role in the service control policy that denies the region, or"
    " disable the region in the account if nothing is there; an administrator of the organization can do both. Or ask"
    " for an exception.",
    (GapKind.NOT_READ, REGION_API): "Scan the account again, with every control.",
    (GapKind.NOT_READ, "scan.Accounts"): "Scan the account together with the one that owns the resource, or the whole"
    " organization.",
}


def what_to_do(kind: GapKind, api: str) -> str:
    return WHAT_TO_DO_BY_CALL.get((kind, api)) or WHAT_TO_DO[kind]


@dataclass(frozen=True, slots=True)
class Gap:
    """One value that could not be read.

    api is "service.Operation" (ssm.DescribeParameters), action the IAM action that it needs
    (ssm:DescribeParameters), code what AWS answered (AccessDeniedException) or, where AWS gave no
    code, the name of the failure (ReadTimeout).
    """

    kind: GapKind
    api: str
    action: str
    region: str
    code: str

    def as_dict(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    def as_public_dict(self) -> dict[str, str]:
        """The four keys that exports promise."""
        return {"api": self.api, "action": self.action, "region": self.region, "code": self.code}

    def sentence(self) -> str:
        why = EXPLANATIONS_BY_CODE.get(self.code) or EXPLANATIONS[self.kind]
        needs = f"; needs {self.action}" if self.action else ""
        return f"{self.api} in {self.region} {why} ({self.code}{needs})"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Gap:
        return cls(
            kind=GapKind(data["kind"]), api=data["api"], action=data["action"], region=data["region"], code=data["code"]
        )


class GapError(Exception):
    """A requested fact could not be read. Carries the gaps; the engine turns it into UNKNOWN.

    reason: the outcome's reason, instead of a list of the gaps."""

    def __init__(self, *gaps: Gap, reason: str = "") -> None:
        super().__init__(reason or "; ".join(gap.sentence() for gap in gaps))
        self.gaps = gaps
        self.reason = reason
