"""Verdicts on traffic that are easily got wrong."""

from __future__ import annotations

import pytest

from scans.controls import ssm_nt_001, ssm_nt_003
from scans.domain.control import Verdict
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged


def node(type, encrypts):
    evidence = evidence_for(ssm_nt_001)
    home = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
    evidence.add(
        "ssm.node", f"{home}instance/i-1", hybrid=False, instance_type=type, vpc="vpc-1", transit_encryption=encrypts
    )
    evidence.add("ec2.vpc", f"{home}vpc/vpc-1", nodes=2)
    return judged(ssm_nt_001, evidence)[f"{home}instance/i-1"].verdict


@pytest.mark.parametrize("type", ["t3.micro", "m5.large", "c5.large", "r5.large"])
def test_nitro_is_not_enough(type):
    assert node(type, False) is Verdict.FAIL
    assert node(type, None) is Verdict.UNKNOWN


@pytest.mark.parametrize("family", ["c5n", "g4dn", "i3en", "m5dn", "m5n", "p3dn", "r5dn", "r5n"])
def test_document_list_applies_only_if_api_is_silent(family):
    assert node(f"{family}.24xlarge", None) is Verdict.PASS
    assert node(f"{family}.24xlarge", False) is Verdict.FAIL


def test_newer_instance_family_passes_by_api():
    assert node("m7i.large", True) is Verdict.PASS


def events(sampled, versions, **context):
    """C5: judged where TLS 1.3 is required; TLS 1.2 is attested by AWS."""
    evidence = evidence_for(ssm_nt_003)
    evidence.add("cloudtrail.ssm_events", "arn:e", sampled=sampled, tls_versions=versions, complete=True)
    return judged(ssm_nt_003, evidence, **{"policy": {"tls13_regions": ["all"]}, **context})["arn:e"]


def test_pass_states_the_number_of_sampled_events():
    assert "in 37 sampled events" in events(37, {"TLSv1.3": 37}).reason


def test_events_without_version_are_unknown():
    assert events(50, {}).verdict is Verdict.UNKNOWN


def test_tls12_is_attested_by_the_provider_with_date_and_page():
    outcome = events(50, {"TLSv1.2": 50}, policy={})
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert "AWS attests this" in outcome.reason
    assert "27 February 2024" in outcome.reason
    assert "https://aws.amazon.com/blogs/storage/" in outcome.reason


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "tlsv1.1", "SSLv3"])
def test_single_old_tls_call_fails(version):
    assert events(50, {"TLSv1.3": 49, version: 1}).verdict is Verdict.FAIL
