"""What the policy of a VPC endpoint lets through."""

from __future__ import annotations

from scans.policies.grants import is_every_arn
from scans.policies.model import Policy, Statement
from scans.policies.principals import open_principals


def full_access_statements(policy: Policy) -> tuple[Statement, ...]:
    """The statements that let everybody do everything to everything: the default policy."""
    return tuple(s for s in policy.allows if not s.conditions and open_principals(s) and _everything(s))


def _everything(statement: Statement) -> bool:
    """What only leaves something out (NotAction, NotResource) lets the rest through, and that is no limit."""
    actions = any(set(action) <= set("*:") and "*" in action for action in statement.actions or ())
    resources = any(is_every_arn(resource) for resource in statement.resources or ())
    return (actions or statement.actions is None) and (resources or statement.resources is None)
