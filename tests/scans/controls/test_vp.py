"""Verdicts on VPC endpoints that other tools get wrong: C3 (needed endpoints, shared VPCs), C9 (no endpoint policy)."""

from __future__ import annotations

import pytest

from scans.controls import ssm_vp_001, ssm_vp_002, ssm_vp_003, ssm_vp_004
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged

ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
VPC, ENDPOINT = f"{ARN}vpc/vpc-1", f"{ARN}vpc-endpoint/vpce-1"
OF_ENDPOINTS = [ssm_vp_002, ssm_vp_003, ssm_vp_004]
FULL = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
BAD = {"private_dns": False, "policy": FULL, "ingress_443": ["0.0.0.0/0"]}


def vpc_with(*services, state="available"):
    evidence = evidence_for(ssm_vp_001)
    evidence.add("ec2.vpc", VPC, id="vpc-1", has_nodes=True, owner=ACCOUNT, agents=["3.2.0.0"])
    evidence.add("ec2.vpc_paths", VPC, routes=[], zones=[])
    evidence.add("ec2.endpoint_service", f"{ARN}vpc-endpoint-service/ec2messages", id="ec2messages")
    for service in services:
        evidence.add("ec2.vpc_endpoint", f"{ARN}vpc-endpoint/{service}", service=service, state=state, vpc="vpc-1")
    return judged(ssm_vp_001, evidence)[VPC]


def endpoint(module, **changed):
    evidence = evidence_for(module)
    vpc = {"dns_support": True, "dns_hostnames": True, "cidrs": ["10.0.0.0/16"]}
    evidence.add("ec2.vpc", VPC, **vpc)
    evidence.add("ec2.vpc_paths", VPC, zones=[])
    facts = {"service": "ssm", "endpoint_type": "Interface", "state": "available", "vpc": "vpc-1", **BAD}
    evidence.add("ec2.vpc_endpoint", ENDPOINT, **(facts | changed))
    return judged(module, evidence)[ENDPOINT].verdict


def test_prowler_ec2messages_endpoint_does_not_pass_for_ec2():
    reason = vpc_with("ssm", "ssmmessages", "ec2messages", "s3", "logs", "kms").reason
    assert "also need: ec2." in reason


@pytest.mark.parametrize("missing", ["ssm", "ssmmessages", "ec2messages"])
def test_similar_service_name_does_not_pass(missing):
    others = {"ssm", "ssmmessages", "ec2messages", "ssm-contacts", "ssm-incidents", "ssm-quicksetup", "ec2"} - {missing}
    outcome = vpc_with(*sorted(others))
    assert outcome.verdict is Verdict.FAIL
    assert f"for {missing}." in outcome.reason


@pytest.mark.parametrize(
    "state", ["pending", "pendingacceptance", "deleting", "deleted", "rejected", "failed", "expired"]
)
def test_an_endpoint_counts_only_when_it_is_available(state):
    assert vpc_with("ssm", "ssmmessages", "ec2messages", state=state).verdict is Verdict.FAIL


def test_evidence_without_the_newer_facts_is_unknown():
    """C3: evidence that was read before agents, owners and routes were collected."""
    evidence = evidence_for(ssm_vp_001)
    evidence.add("ec2.vpc", VPC, id="vpc-1", has_nodes=True)
    assert judged(ssm_vp_001, evidence)[VPC].verdict is Verdict.UNKNOWN
    for service in ("ssm", "ssmmessages"):
        evidence.add(
            "ec2.vpc_endpoint", f"{ARN}vpc-endpoint/{service}", service=service, state="available", vpc="vpc-1"
        )
    assert judged(ssm_vp_001, evidence)[VPC].verdict is Verdict.UNKNOWN


def test_refused_endpoints_are_unknown_not_missing():
    evidence = evidence_for(ssm_vp_001)
    evidence.add("ec2.vpc", VPC, id="vpc-1", has_nodes=True)
    evidence.record_gap("ec2.vpc_endpoint", GAP)
    outcome = judged(ssm_vp_001, evidence)[VPC]
    assert (outcome.verdict, outcome.gaps) == (Verdict.UNKNOWN, (GAP,))


@pytest.mark.parametrize("module", OF_ENDPOINTS)
@pytest.mark.parametrize("state", ["deleting", "deleted", "rejected", "failed", "expired"])
def test_prowler_2059_deleted_endpoint_is_not_flagged(module, state):
    assert endpoint(module) is Verdict.FAIL
    assert endpoint(module, state=state) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("module", OF_ENDPOINTS)
def test_a_refused_fact_is_never_a_verdict(module):
    assert endpoint(module, **dict.fromkeys(BAD, GAP)) is Verdict.UNKNOWN


def test_a_gateway_is_judged_by_its_policy_only():
    verdicts = [endpoint(module, endpoint_type="Gateway") for module in OF_ENDPOINTS]
    assert verdicts == [Verdict.NOT_APPLICABLE, Verdict.FAIL, Verdict.NOT_APPLICABLE]
