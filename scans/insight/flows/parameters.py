"""Builds the flows of SecureString parameters, one per region and key. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.aws.gaps import Gap
from scans.domain.evidence import Resource
from scans.insight.flows import encryption_keys, grading
from scans.insight.flows.grading import GradedAccount
from scans.insight.flows.model import Destination, Flow, Owner, Source, get_feature


def build_parameter_flows(side: GradedAccount) -> Iterator[Flow]:
    for region in sorted(side.world.regions_of("ssm.parameter")):
        by_key: dict[str, list[Resource]] = {}
        for parameter in side.world.resources("ssm.parameter", region).values():
            if parameter.facts.get("type") == "SecureString":
                name = parameter.facts.get("key_id")
                by_key.setdefault("" if isinstance(name, Gap) or not name else str(name), []).append(parameter)
        for name, parameters in sorted(by_key.items()):
            yield build_parameter_flow(side, region, name, parameters)


def build_parameter_flow(side: GradedAccount, region: str, name: str, parameters: list[Resource]) -> Flow:
    arn = f"arn:{side.context.partition}:ssm:{region}:{side.account}:parameter/*"
    destination = Destination("parameter_store", "Parameter Store", arn, Owner.OWN, side.account, region)
    key = encryption_keys.resolve_key(side.world, side.account, region, name) if name else encryption_keys.UNKNOWN_KEY
    grades = grading.grade_place(side, "kms.key", "parameter", key.arn)
    for parameter in parameters:
        grades.include(grading.grade_place(side, "ssm.parameter", "parameter", parameter.arn))
    sources = tuple(sorted(Source(p.type, p.arn) for p in parameters))
    into, under = tuple(sorted(set(grades.into))), tuple(sorted(set(grades.under)))
    return Flow(side.account, region, get_feature("parameter"), sources, destination, key, into, under)
