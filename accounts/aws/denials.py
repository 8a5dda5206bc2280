"""Finds in AWS's message which type of policy denied a call. Pure: no Django, no boto3.

The wording is AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html. Newer messages add
the ARN of the policy, which may be of another account, so it isn't kept:
https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns
"""

from __future__ import annotations

import re

from accounts.aws.gap_kinds import GapKind

# By the words before "policy". A lack of an allow in the role's own policies is the plain denial.
KINDS_BY_WORDS = {
    "service control": GapKind.DENIED_BY_SCP,
    "resource control": GapKind.DENIED_BY_RCP,
    "resource-based": GapKind.DENIED_BY_RESOURCE_POLICY,
    "vpc endpoint": GapKind.DENIED_BY_ENDPOINT_POLICY,
    "permissions boundary": GapKind.DENIED_BY_BOUNDARY,
    "session": GapKind.DENIED_BY_SESSION_POLICY,
    "role trust": GapKind.DENIED_BY_TRUST_POLICY,
    "identity-based": GapKind.DENIED_BY_IDENTITY_POLICY,
}
TYPE = (
    r"(?P<words>service[ -]control|resource[ -]control|resource[ -]based|vpc[ -]endpoint|permissions?[ -]boundary"
    r"|session|role[ -]trust|identity[ -]based)s?\b(?= polic|(?<=boundary))"
)
# "transitively through" names the policy that denied; before it stands the one that passed the denial on.
STATED = re.compile(
    rf"(?P<how>explicit(?:ly)? den(?:y|ied) (?:in|by) (?:an?|the)|because no|transitively through (?:an?|the)) {TYPE}",
    re.IGNORECASE,
)
MENTIONED = re.compile(TYPE, re.IGNORECASE)
# KMS names three reasons at once, of which two are the key policy.
ONE_OF_THREE = re.compile(r"no resource-based polic(?:y|ies) allows? access, or", re.IGNORECASE)
MISSING_ALLOW = "because no"


def find_denial_kind(message: str) -> GapKind:
    """The kind of a denial, by the policy type that the message names. DENIED: it names none, or more than one."""
    text = " ".join(message.split())
    if ONE_OF_THREE.search(text):
        return GapKind.DENIED_OR_MISSING
    stated = list(STATED.finditer(text))
    if stated:
        kind = KINDS_BY_WORDS[normalize_words(stated[-1]["words"])]
        lacks_allow = stated[-1]["how"].lower() == MISSING_ALLOW
        return GapKind.DENIED if kind is GapKind.DENIED_BY_IDENTITY_POLICY and lacks_allow else kind
    mentioned = {KINDS_BY_WORDS[normalize_words(found["words"])] for found in MENTIONED.finditer(text)}
    # In other words than AWS documents, a mention of the role's own policies doesn't say whether they deny or lack.
    mentioned.discard(GapKind.DENIED_BY_IDENTITY_POLICY)
    return mentioned.pop() if len(mentioned) == 1 else GapKind.DENIED


def normalize_words(found: str) -> str:
    """The key of KINDS_BY_WORDS: AWS writes some types in more than one way."""
    words = found.lower().replace("-", " ")
    if words.endswith("based"):
        return words.replace(" ", "-")
    return "permissions boundary" if words.endswith("boundary") else words
