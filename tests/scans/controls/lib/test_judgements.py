"""What several controls ask of a key."""

from __future__ import annotations

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.controls import ssm_ps_004
from scans.controls.lib.judgements import (
    ENCRYPTING_USAGE,
    OTHER_SPECS,
    OTHER_USAGES,
    SYMMETRIC_SPEC,
    UNUSABLE_STATES,
    USABLE_KEY_FACTS,
    USABLE_STATES,
    names_alias,
    region_of_key,
)
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged


def verdict(state):
    evidence = evidence_for(ssm_ps_004)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id="alias/k")
    evidence.add("kms.reference", "alias/k", state=state, **USABLE_KEY_FACTS)
    return judged(ssm_ps_004, evidence)["arn:p"].verdict


def test_every_kms_state_is_known_including_not_found():
    every = "Creating Enabled Disabled PendingDeletion PendingImport PendingReplicaDeletion Unavailable Updating"
    assert USABLE_STATES | set(UNUSABLE_STATES) == {*every.split(), "NotFound"}
    assert not USABLE_STATES & set(UNUSABLE_STATES)


@given(st.one_of(st.none(), st.text()))
def test_unknown_key_state_is_never_a_pass(state):
    if state not in USABLE_STATES:
        assert verdict(state) is (Verdict.FAIL if state in UNUSABLE_STATES else Verdict.UNKNOWN)


def of_kind(usage, spec):
    evidence = evidence_for(ssm_ps_004)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id="alias/k")
    evidence.add("kms.reference", "alias/k", state="Enabled", usage=usage, spec=spec)
    return judged(ssm_ps_004, evidence)["arn:p"].verdict


def test_every_kms_usage_and_spec_is_known():
    shapes = botocore.session.get_session().get_service_model("kms")
    usages, specs = (set(shapes.shape_for(name).enum) for name in ("KeyUsageType", "KeySpec"))
    assert usages == {ENCRYPTING_USAGE, *OTHER_USAGES}
    assert {spec for spec in specs if not spec.startswith(OTHER_SPECS)} == {SYMMETRIC_SPEC}
    assert of_kind(ENCRYPTING_USAGE, SYMMETRIC_SPEC) is Verdict.PASS
    for usage in OTHER_USAGES:
        assert of_kind(usage, GAP) is Verdict.FAIL
    for spec in specs - {SYMMETRIC_SPEC}:
        assert of_kind(GAP, spec) is Verdict.FAIL


@given(st.one_of(st.none(), st.text(), st.just(GAP)), st.one_of(st.none(), st.text(), st.just(GAP)))
def test_unknown_usage_or_spec_is_never_a_pass(usage, spec):
    if (usage, spec) != (ENCRYPTING_USAGE, SYMMETRIC_SPEC):
        assert of_kind(usage, SYMMETRIC_SPEC) is not Verdict.PASS or usage == ENCRYPTING_USAGE
        assert of_kind(ENCRYPTING_USAGE, spec) is not Verdict.PASS or spec == SYMMETRIC_SPEC


@pytest.mark.parametrize(
    ("key", "region"),
    [
        ("alias/k", "eu-west-1"),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", "eu-west-1"),
        ("arn:aws:kms:us-west-2:111122223333:key/1", "us-west-2"),
        ("arn:aws:kms:us-west-2:111122223333:alias/k", "us-west-2"),
    ],
)
def test_key_region_comes_from_its_arn(key, region):
    assert region_of_key(key, "eu-west-1") == region


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("alias/aws/ssm", True),
        ("arn:aws-cn:kms:cn-north-1:111122223333:alias/aws/ssm", True),
        ("alias/aws/ssm2", False),
        ("alias/my/alias/aws/ssm", False),
        ("aws/ssm", False),
    ],
)
def test_an_alias_is_named_alone_or_by_its_arn(text, same):
    assert names_alias(text, "alias/aws/ssm") is same


@pytest.mark.parametrize(
    ("key", "accounts", "expected"),
    [
        ("alias/ours", {ACCOUNT}, Verdict.PASS),
        (f"arn:aws:kms:{REGION}:444455556666:key/k", {ACCOUNT, "444455556666"}, Verdict.PASS),
        (f"arn:aws:kms:{REGION}:999999999999:key/k", {ACCOUNT}, Verdict.FAIL),
        (f"arn:aws:kms:{REGION}:999999999999:alias/a", {ACCOUNT}, Verdict.FAIL),
        (f"arn:aws:kms:{REGION}:999999999999:key/k", set(), Verdict.UNKNOWN),
        (f"arn:aws:kms:{REGION}::key/k", {ACCOUNT}, Verdict.UNKNOWN),
    ],
)
def test_a_key_must_be_of_the_organization(key, accounts, expected):
    """A11: a key of no member fails, whatever state it is in; without the members it is unknown."""
    evidence = evidence_for(ssm_ps_004)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id=key)
    evidence.add("kms.reference", key, state="Enabled", **USABLE_KEY_FACTS)
    assert judged(ssm_ps_004, evidence, accounts=frozenset(accounts))["arn:p"].verdict is expected
