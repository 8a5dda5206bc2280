"""What a key is made for."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.kms import collect
from tests.scans.collectors.looking import one_of, seen
from tests.scans.collectors.test_kms import KEY, key, parameter, reference, region


@pytest.mark.parametrize(("part", "name"), [("KeyUsage", "usage"), ("KeySpec", "spec")])
def test_omitted_key_field_is_unknown(part: str, name: str) -> None:
    answer = key()
    del answer["KeyMetadata"][part]
    reader = region().answer("kms", "DescribeKey", answer, when={"KeyId": KEY})
    facts = reference(collect(reader, seen(parameter(KEY))), KEY)
    assert facts["state"] == "Enabled"
    assert facts[name].kind is GapKind.MALFORMED


def test_signing_key_reports_its_usage_everywhere() -> None:
    answer = key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")
    evidence = collect(region().answer("kms", "DescribeKey", answer, when={"KeyId": KEY}), seen(parameter(KEY)))
    for facts in (reference(evidence, KEY), one_of(evidence, "kms.key")):
        assert (facts["usage"], facts["spec"]) == ("SIGN_VERIFY", "RSA_2048")


@pytest.mark.parametrize("part", ["usage", "spec"])
def test_denied_key_hides_usage_and_spec(part: str) -> None:
    reader = region().refuse("kms", "DescribeKey")
    assert reference(collect(reader, seen(parameter("alias/other"))), "alias/other")[part].kind is GapKind.DENIED
