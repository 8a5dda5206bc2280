"""One region of one account, judged by one control through the engine."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from scans.domain.control import Outcome
from scans.domain.engine import judge_control
from scans.domain.evidence import GLOBAL, Context, Evidence, World

REGION, ACCOUNT = "eu-west-1", "111122223333"


def evidence_for(module: ModuleType) -> Evidence:
    """Empty and complete: every type that the control reads was listed."""
    return Evidence("test", REGION, types=(*module.CONTROL.facts, *module.CONTROL.related))


def judged(module: ModuleType, evidence: Evidence, *, region: str = REGION, **context: Any) -> dict[str, Outcome]:
    """Resource -> outcome; the place itself stands under its container's ARN."""
    there = Context(**{"account": ACCOUNT, **context})
    everywhere = Evidence("test", GLOBAL, types=evidence.types)
    found = judge_control(module.CONTROL, module.evaluate, World([evidence, everywhere]), there, region)
    return {each.resource: each.outcome for each in found}
