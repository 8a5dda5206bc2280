"""Keys of one account that settings of other accounts name."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import Gap
from accounts.models import Account, Organization
from scans.domain.control import GAP
from scans.domain.evidence import Evidence
from scans.domain.references import names_member_key
from scans.pipeline.inbound_keys import find_inbound_keys, find_inbound_resources
from tests.scans.pipeline.test_cross_account import buckets, inventory, keep, points_at

pytestmark = pytest.mark.django_db

USER, OWNER, OUTSIDE = "111122223333", "444455556666", "999999999999"


@pytest.fixture
def organization() -> Organization:
    made = Organization.objects.create(org_id="o-1", partition="aws", management_account_id=USER)
    for id in (USER, OWNER):
        Account.objects.create(organization=made, account_id=id, name=id)
    return made


def key_of(account: str, rest: str = "key/1") -> str:
    return f"arn:aws:kms:eu-west-1:{account}:{rest}"


def uses(**named: str | Gap | None) -> Evidence:
    """named: what a setting writes -> the key that it was found to be."""
    evidence = Evidence("kms", "eu-west-1", types=("kms.reference", "kms.key"))
    for name, key in named.items():
        evidence.add("kms.reference", name, key=key)
    return evidence


def test_keys_of_members_are_found(organization: Organization) -> None:
    alias = key_of(OWNER, "alias/data")
    named: dict[str, str | Gap | None] = {
        key_of(OWNER): GAP,  # it refuses to be described
        alias: key_of(OWNER, "key/2"),
        key_of(OWNER, "alias/other"): GAP,
        key_of(USER): key_of(USER),
        key_of(OUTSIDE): GAP,
        "alias/own": None,
    }
    keep(USER, uses(**named))
    found = [key_of(OWNER, "alias/other"), key_of(OWNER), key_of(OWNER, "key/2")]
    assert find_inbound_keys(organization) == {OWNER: {arn: ["key"] for arn in found}}


def test_own_keys_are_not_inbound(organization: Organization) -> None:
    keep(OWNER, uses(**{key_of(OWNER): key_of(OWNER)}))
    assert find_inbound_keys(organization) == {}


def test_keys_and_buckets_of_an_owner_are_joined(organization: Organization) -> None:
    keep(OWNER, buckets(), inventory("central"))
    keep(USER, points_at("central"), inventory(), uses(**{key_of(OWNER): GAP}))
    everything = {"central": ["07"], key_of(OWNER): ["key"]}
    assert find_inbound_resources(organization) == {OWNER: everything}
    assert find_inbound_resources(organization, {"kms"}) == {OWNER: {key_of(OWNER): ["key"]}}
    assert find_inbound_resources(organization, {"s3_buckets"}) == {OWNER: {"central": ["07"]}}
    assert find_inbound_resources(organization, {"iam"}) == {}


@pytest.mark.parametrize("text", ["central", "alias/x", "arn:aws:s3:::central", "arn:aws:kms:eu-west-1:x:key/1"])
def test_other_names_are_no_keys(text: str) -> None:
    assert not names_member_key(text)
