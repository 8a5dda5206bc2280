"""Recognizes values that are placeholders or names of something instead of secrets. Pure."""

from __future__ import annotations

import re

from scans.detectors.words import LAST_SECRET_WORDS, split_words

PLACEHOLDER_STARTS = ("$", "{", "[", "<", "%(", "%s", "!ref", "!sub", "!getatt", "!importvalue", "arn:", "resolve:", "ssm:",
          "ssm-secure:", "http://", "https://", "s3://", "env:", "env.", "os.environ", "file:", "fileb:",
          "your", "example", "sample", "dummy", "placeholder", "redacted", "insert", "enter", "replace", "todo")  # fmt: skip
PLACEHOLDER_WORDS = frozenset(
    [
        "null",
        "none",
        "nil",
        "undefined",
        "true",
        "false",
        "yes",
        "no",
        "required",
        "optional",
        "string",
        "securestring",
        "text",
        "value",
        "values",
        "enabled",
        "disabled",
        "hidden",
        "masked",
        "encrypted",
        "unset",
        "empty",
        "default",
        "secure",
        "stdin",
        "prompt",
        "input",
        "random",
        "generated",
        "auto",
        "number",
        "boolean",
        "object",
        "username",
        "user",
        "bearer",
        "basic",
        "noecho",
        "missing",
        "invalid",
        "expired",
        "unknown",
    ]
)
VARIABLE = re.compile(r"%\w+%|\$\w.*")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
PATH = re.compile(r"[~.]{0,2}/.*|[A-Za-z]:\\.*|[a-z][a-z0-9._-]*(?:/[a-z0-9._-]+)+")
# Identifiers of AWS and others: a UUID (of a key, a request), a multi-Region key, a resource, a digest with its
# algorithm. PLACEHOLDER_STARTS has ARNs. A bare base64 text doesn't count: a key of 32 bytes looks the same.
IDENTIFIER = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}|(?:sha\d{1,3}|md5)[:-][0-9a-z+/=_-]{8,128}"
    r"|(?:i|ami|aki|ari|vol|snap|sg|subnet|vpc|vpce|eni|rtb|igw|nat|acl|dopt|pcx|cgw|tgw|eipalloc|lt|fs|mi|mw|pb|oi)"
    r"-(?:[0-9a-f]{8}|[0-9a-f]{17})",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether it is a variable, a template, a mask, a reference, or a word that only marks the place of a value."""
    low = value.strip().lower()
    if not low or low.startswith(PLACEHOLDER_STARTS) or low in PLACEHOLDER_WORDS:
        return True
    if "{{" in low or "${" in low or "$(" in low or VARIABLE.fullmatch(low):
        return True
    return len(set(low)) <= 2  # ****, xxxx, ----, ........


def is_reference(value: str) -> bool:
    """Whether it is a path, an id, or a name of the secret: password=db_password, secret=config.secret, token=<UUID>."""
    if PATH.fullmatch(value) or DOTTED.fullmatch(value) or IDENTIFIER.fullmatch(value):
        return True
    if any(character.isdigit() for character in value) or not value.replace("_", "").replace("-", "").isalnum():
        return False
    parts = split_words(value)
    return bool(parts) and parts[-1] in LAST_SECRET_WORDS
