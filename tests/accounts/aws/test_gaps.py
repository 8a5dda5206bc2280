"""What is said of a value that could not be read."""

from __future__ import annotations

import pytest

from accounts.aws.gap_kinds import (
    EXPLANATIONS,
    EXPLANATIONS_BY_CODE,
    REGION_API,
    WHAT_TO_DO,
    WHAT_TO_DO_BY_CALL,
    WHAT_TO_DO_BY_CODE,
    GapKind,
    what_to_do,
)
from accounts.aws.gaps import Gap


@pytest.mark.parametrize("kind", GapKind)
def test_every_kind_is_explained_and_says_what_to_do(kind: GapKind) -> None:
    assert EXPLANATIONS[kind]
    assert what_to_do(kind, "ssm.DescribeParameters", "X") == WHAT_TO_DO[kind]


def test_a_refused_look_at_a_bucket_is_its_owners_affair() -> None:
    assert "the account that owns the bucket" in what_to_do(GapKind.DENIED, "s3.HeadBucket", "403")
    assert what_to_do(GapKind.THROTTLED, "s3.HeadBucket", "SlowDown") == WHAT_TO_DO[GapKind.THROTTLED]


def test_call_advice_exists_only_for_declared_calls() -> None:
    from scans import registry
    from scans.domain.other_accounts import LEFT_OUT_GAP, NOT_READ_GAP, OUTSIDE_GAP

    declared = {call.api for call in registry.calls()} | {
        NOT_READ_GAP.api,
        LEFT_OUT_GAP.api,
        OUTSIDE_GAP.api,
        REGION_API,
    }
    assert {api for _, api in WHAT_TO_DO_BY_CALL} <= declared


# What rows of earlier versions hold: these must be readable for ever.
STORED_KINDS = (
    "denied",
    "denied_by_scp",
    "throttled",
    "timeout",
    "unreachable",
    "server_error",
    "malformed",
    "not_opted_in",
    "unsupported",
    "no_fips",
    "rejected",
    "too_costly",
    "out_of_time",
    "replaced",
    "internal",
    "not_read",
)


@pytest.mark.parametrize("kind", STORED_KINDS)
def test_gap_of_an_earlier_version_is_readable(kind: str) -> None:
    """E: kinds are only added, and a stored gap has the same five keys."""
    stored = {"kind": kind, "api": "ssm.X", "action": "ssm:X", "region": "eu-west-1", "code": "ExpiredTokenException"}
    gap = Gap.from_dict(stored)
    assert gap.as_dict() == stored
    assert gap.sentence()
    assert gap.advice


def test_every_place_says_the_same_of_a_gap() -> None:
    gap = Gap(GapKind.DENIED_BY_RCP, "s3.GetBucketPolicy", "s3:GetBucketPolicy", "eu-west-1", "AccessDenied")
    assert gap.as_public_dict() == {
        "api": "s3.GetBucketPolicy",
        "action": "s3:GetBucketPolicy",
        "region": "eu-west-1",
        "code": "AccessDenied",
        "why": "denied_by_rcp",
        "what_to_do": gap.advice,
    }
    assert gap.explanation in gap.sentence()
    assert "resource control policy" in gap.explanation
    assert "resource control policy" in gap.advice


def test_texts_by_code_are_stored_without_suffix() -> None:
    codes = {*EXPLANATIONS_BY_CODE, *(code for _, code in WHAT_TO_DO_BY_CODE)}
    assert not [code for code in codes if code.endswith("Exception")]


def test_what_aws_does_not_support_is_not_to_be_reported() -> None:
    gap = Gap(GapKind.REJECTED, "kms.X", "kms:X", "eu-west-1", "UnsupportedOperationException")
    assert "not supported by AWS" in gap.sentence()
    assert "Report" not in gap.advice
