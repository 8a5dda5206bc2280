"""What is said of a value that could not be read."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import EXPLANATIONS, WHAT_TO_DO, WHAT_TO_DO_BY_CALL, GapKind, what_to_do


@pytest.mark.parametrize("kind", GapKind)
def test_every_kind_is_explained_and_says_what_to_do(kind: GapKind) -> None:
    assert EXPLANATIONS[kind]
    assert what_to_do(kind, "ssm.DescribeParameters") == WHAT_TO_DO[kind]


def test_a_refused_look_at_a_bucket_is_its_owners_affair() -> None:
    assert "the account that owns the bucket" in what_to_do(GapKind.DENIED, "s3.HeadBucket")
    assert what_to_do(GapKind.THROTTLED, "s3.HeadBucket") == WHAT_TO_DO[GapKind.THROTTLED]


def test_call_advice_exists_only_for_declared_calls() -> None:
    from scans import registry
    from scans.domain import owner_evidence

    declared = {call.api for call in registry.calls()} | {
        owner_evidence.NOT_READ_GAP.api,
        owner_evidence.LEFT_OUT_GAP.api,
    }
    assert {api for _, api in WHAT_TO_DO_BY_CALL} <= declared
