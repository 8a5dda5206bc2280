"""Finds what an identity policy grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scans.controls.lib.iam_policies.conditions import holds_without_key, matches_anything
from scans.controls.lib.iam_policies.globs import (
    FIELD,
    STAR,
    Tokens,
    action_matches,
    covers_after,
    glob_covers,
    glob_overlaps,
    is_every_action,
    is_every_arn,
    is_open_after,
    parse_glob,
)
from scans.controls.lib.iam_policies.model import Condition, Policy, PolicyError, Statement

ALL_IAM_ACTIONS = (*"iam:", STAR)
IAM_ARNS = (*"arn:", STAR, *":iam:", STAR)
EQUALITY_OPERATORS = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool")
BOOLEAN_KEYS = frozenset({"ssm:sessiondocumentaccesscheck"})  # keys that are true or false, with any operator
# AWS authorizes this call on the requested path, and the path / is the resource parameter/: it returns everything.
# systems-manager/latest/userguide/sysman-paramstore-access.html
BY_PATH_ACTION = "ssm:GetParametersByPath"
ROOT_PATHS = tuple(parse_glob(f"arn:*:ssm:*:*:parameter/{rest}") for rest in ("", "/"))
# (action, key): the key is in every request of the action, so …IfExists requires as much as without it. AWS's own
# examples use it: systems-manager/latest/userguide/getting-started-specify-session-document.html
ALWAYS_PRESENT_KEYS = frozenset({("ssm:startsession", "ssm:sessiondocumentaccesscheck")})

MAX_COMPARISONS = 50_000  # a policy of 20 KB whose patterns have 30 characters comes to half of it


@dataclass(frozen=True, slots=True)
class ResourceShape:
    """Resources of one kind, in any partition, region and account: ResourceShape("ssm", "parameter/").

    id: a pattern for what follows the path in every ARN; a pattern that matches all of that names all resources."""

    service: str
    path: str
    id: str = ""

    @property
    def head(self) -> Tokens:
        return (*"arn:", FIELD, ":", *self.service, ":", FIELD, ":", FIELD, ":", *self.path)

    def whole(self, partition: str) -> Tokens:
        """A pattern for all of them in a partition; in any partition if it is unknown."""
        where = tuple(partition) or (STAR,)
        return (*"arn:", *where, ":", *self.service, ":", STAR, ":", STAR, ":", *self.path, STAR)

    def is_covered(self, pattern: Tokens) -> bool:
        """Whether the pattern names all of them, at least in one region and account."""
        return is_open_after(pattern, self.head) or bool(
            self.id and covers_after(pattern, self.head, parse_glob(self.id))
        )


# The forms of ids: AWSEC2/latest/UserGuide/resource-ids.html,
# systems-manager/latest/APIReference/API_DescribeInstanceInformation.html (mi- and 17 characters),
# kms/latest/developerguide/concepts.html#key-id-key-id. Every id of an instance that EC2 gives today begins with a zero, so
# i-0* is every instance.
NODES = (ResourceShape("ec2", "instance/i-", "0" + "?" * 16), ResourceShape("ssm", "managed-instance/mi-", "?" * 17))
KEYS = ResourceShape("kms", "key/", "-".join("?" * length for length in (8, 4, 4, 4, 12)))


def applies_to(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(action_matches(pattern, action) for pattern in statement.actions)
    return not any(action_matches(pattern, action) for pattern in statement.not_actions or ())


def is_limited_by_keys(statement: Statement, keys: Iterable[str], action: str) -> bool:
    """Whether a condition on one of these keys (a key, or a prefix that ends in / or :) restricts the statement.

    Only conditions that require a value count: an …IfExists or ForAllValues condition also holds without the key,
    and a value that matches anything requires nothing."""
    wanted = tuple(key.lower() for key in keys)
    return any(_is_restriction(condition, wanted, action) for condition in statement.conditions)


def _is_restriction(condition: Condition, wanted: tuple[str, ...], action: str) -> bool:
    if holds_without_key(condition, always_there=(action.lower(), condition.key) in ALWAYS_PRESENT_KEYS):
        return False
    named = any(condition.key == key or (key[-1] in "/:" and condition.key.startswith(key)) for key in wanted)
    if not named or condition.operator not in EQUALITY_OPERATORS:
        return False
    if condition.operator == "bool" or condition.key in BOOLEAN_KEYS:
        return {value.lower() for value in condition.values} == {"true"}
    return not any(matches_anything(condition, value) for value in condition.values)


def list_granted_actions(
    policy: Policy, actions: Iterable[str], shapes: Iterable[ResourceShape], unless: Iterable[str] = ()
) -> list[str]:
    """The actions that the policy allows on every resource of a shape.

    unless: condition keys that make an Allow narrower. A Deny cancels a grant only if it has no condition and covers
    all of it. An Allow with NotAction or NotResource grants everything except what it lists.

    Raises PolicyError if there is too much to compare."""
    refuse_too_many(policy)
    keys, kinds = tuple(unless), tuple(shapes)
    return [action for action in actions if any(_is_granted(policy, action, shape, keys) for shape in kinds)]


def refuse_too_many(policy: Policy) -> None:
    """Raises PolicyError for a policy that is too costly: comparing each Allow with each Deny takes quadratic time."""
    allowed = sum(len(allow.resources or allow.not_resources or ()) for allow in policy.allow_statements)
    denied = sum(len(d.actions or ()) + len(d.resources or d.not_resources or ()) for d in policy.deny_statements)
    if allowed * denied > MAX_COMPARISONS:
        raise PolicyError("it names too much to compare each Allow with each Deny")


def _is_granted(policy: Policy, action: str, shape: ResourceShape, unless: tuple[str, ...]) -> bool:
    for statement in policy.allow_statements:
        if not applies_to(statement, action) or is_limited_by_keys(statement, unless, action):
            continue
        whole = shape.whole(policy.partition)
        for wide in _wide_resources(statement, action, shape, whole):
            if not any(_revokes_grant(deny, action, shape, (whole, wide)) for deny in policy.deny_statements):
                return True
    return False


def _wide_resources(statement: Statement, action: str, shape: ResourceShape, whole: Tokens) -> list[Tokens]:
    if statement.not_resources is not None:
        excluded = any(glob_covers(parse_glob(pattern), whole) for pattern in statement.not_resources)
        return [] if excluded else [(STAR,)]
    if statement.resources is None:
        return [(STAR,)]
    patterns = [parse_glob(pattern) for pattern in statement.resources]
    return [p for p in patterns if shape.is_covered(p) or _is_root_path(p, action, shape)]


def _is_root_path(pattern: Tokens, action: str, shape: ResourceShape) -> bool:
    """Whether it names the path /, with which the call returns every parameter."""
    if action != BY_PATH_ACTION or shape.path != "parameter/":
        return False
    return any(glob_overlaps(root, confine_stars_to_fields(pattern)) for root in ROOT_PATHS)


def _revokes_grant(deny: Statement, action: str, shape: ResourceShape, given: tuple[Tokens, Tokens]) -> bool:
    """Whether the Deny cancels the grant. given: the whole shape, and the part that the Allow names; either is enough."""
    if deny.conditions or not applies_to(deny, action):
        return False
    if deny.not_resources is not None:
        return not any(shape.is_covered(parse_glob(pattern)) for pattern in deny.not_resources)
    patterns = [parse_glob(pattern) for pattern in deny.resources or ()]
    return any(glob_covers(pattern, wide) for pattern in patterns for wide in given)


def allows_everything(policy: Policy) -> bool:
    """Whether it allows every action on every resource, with or without a condition.

    NotAction counts unless it excludes IAM: a principal that can write policies can give itself the rest. It counts,
    too, if other statements allow what of IAM it excludes."""
    if any(not deny.conditions and _all_actions(deny) and _all_resources(deny) for deny in policy.deny_statements):
        return False
    wide = [allow for allow in policy.allow_statements if _all_resources(allow)]
    given = [parse_glob(pattern.lower()) for allow in wide for pattern in allow.actions or ()]
    return any(_all_actions(allow, given) for allow in wide)


def _all_actions(statement: Statement, given: Iterable[Tokens] = ()) -> bool:
    """given: the actions that other statements allow beside it."""
    if statement.actions is not None:
        return any(map(is_every_action, statement.actions))
    excepted = [parse_glob(pattern.lower()) for pattern in statement.not_actions or ()]
    of_iam = [pattern for pattern in excepted if glob_overlaps(pattern, ALL_IAM_ACTIONS)]
    regained = any(glob_covers(pattern, ALL_IAM_ACTIONS) for pattern in given)
    return statement.allow and (
        regained or all(any(glob_covers(wide, pattern) for wide in given) for pattern in of_iam)
    )


def _all_resources(statement: Statement) -> bool:
    """NotResource counts in an Allow unless it excludes IAM's resources, for the same reason as NotAction."""
    if statement.not_resources is not None:
        excepted = [parse_glob(pattern) for pattern in statement.not_resources]
        return statement.allow and not any(glob_overlaps(pattern, IAM_ARNS) for pattern in excepted)
    return any(is_every_arn(pattern) for pattern in statement.resources or ())


def path_reads_past_deny(policy: Policy) -> bool:
    """Whether ssm:GetParametersByPath is allowed on a path of which another statement denies a part.

    AWS authorizes that call on the requested path, not on the parameters that it returns. Raises PolicyError if there
    is too much to compare."""
    refuse_too_many(policy)
    walls = _list_resource_globs(
        d for d in policy.deny_statements if applies_to(d, BY_PATH_ACTION) and not d.conditions
    )
    parents = [
        parent
        for parent in _list_resource_globs(
            allow for allow in policy.allow_statements if applies_to(allow, BY_PATH_ACTION)
        )
        if not any(glob_covers(wall, parent) for wall in walls)
    ]
    head = ResourceShape("ssm", "parameter/").head
    denied = _list_resource_globs(deny for deny in policy.deny_statements if _denies_reading(deny))
    # A Deny of all paths (of one region, for example) that includes ssm:GetParametersByPath can't be bypassed.
    closed = [wall for wall in walls if is_open_after(wall, head)]
    children = [
        child
        for child in denied
        if glob_overlaps(child, (*head, STAR)) and not any(glob_covers(wall, child) for wall in closed)
    ]
    return any(_is_below(child, parent) for parent in parents for child in children)


def _list_resource_globs(statements: Iterable[Statement]) -> list[Tokens]:
    return list(dict.fromkeys(parse_glob(r) for statement in statements for r in statement.resources or ()))


def _denies_reading(deny: Statement) -> bool:
    return any(applies_to(deny, f"ssm:GetParameter{rest}") for rest in ("", "s", "sByPath", "History"))


def _is_below(child: Tokens, parent: Tokens) -> bool:
    """Whether a part of what is denied is on the path or below it, but not all of the path."""
    inside = glob_overlaps(child, confine_stars_to_fields(parent)) or glob_overlaps(
        child, confine_stars_to_fields((*parent, "/", STAR))
    )
    return inside and not glob_covers(child, parent)


def confine_stars_to_fields(arn: Tokens) -> Tokens:
    """A full ARN's pattern whose stars stay inside their field: no region, account or path has a colon."""
    return tuple(FIELD if each == STAR else each for each in arn) if arn.count(":") >= 5 else arn
