from __future__ import annotations

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.ec2_account import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of


@pytest.mark.parametrize("enabled", [True, False])
def test_one_call_gives_the_default_encryption(enabled: bool) -> None:
    reader = FakeReader(COLLECTOR).answer("ec2", "GetEbsEncryptionByDefault", {"EbsEncryptionByDefault": enabled})
    evidence = collect(reader, EarlierEvidence())
    arn = "arn:aws:ec2:eu-west-1:111122223333:ebs-encryption-by-default"
    assert all_of(evidence, "ec2.ebs_default") == {arn: {"enabled": enabled}}
    assert reader.count() == 1
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


def test_denied_read_is_a_gap() -> None:
    reader = FakeReader(COLLECTOR).refuse("ec2", "GetEbsEncryptionByDefault", "UnauthorizedOperation", status=403)
    evidence = collect(reader, EarlierEvidence())
    gap = reader.gap("ec2", "GetEbsEncryptionByDefault", "UnauthorizedOperation")
    assert one_of(evidence, "ec2.ebs_default") == {"enabled": gap}
    assert not evidence.gaps


def test_malformed_answer_is_a_gap() -> None:
    reader = FakeReader(COLLECTOR).answer("ec2", "GetEbsEncryptionByDefault", {"EbsEncryptionByDefault": "true"})
    assert one_of(collect(reader, EarlierEvidence()), "ec2.ebs_default")["enabled"].kind is GapKind.MALFORMED
