"""Classifies names by whether their words denote a secret. Pure."""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
SECRET_WORDS = {
    "password": "password", "passwords": "password", "passwd": "password", "pwd": "password", "passphrase": "password",
    "secret": "secret", "secrets": "secret", "clientsecret": "secret", "secretkey": "secret",
    "token": "token", "authtoken": "token", "accesstoken": "token",
    "credential": "credential", "credentials": "credential", "creds": "credential",
    "apikey": "api_key", "apikeys": "api_key", "privatekey": "private_key", "accesskey": "access_key",
    "masterkey": "secret", "encryptionkey": "secret", "signingkey": "secret",
    "connectionstring": "connection_string", "connstring": "connection_string", "connstr": "connection_string",
}  # fmt: skip
KEY_OWNERS = {
    "api": "api_key", "private": "private_key", "secret": "secret", "access": "access_key", "signing": "secret",
    "encryption": "secret", "master": "secret", "auth": "secret", "account": "secret", "shared": "secret",
    "hmac": "secret",
}  # fmt: skip
LAST_SECRET_WORDS = frozenset({*SECRET_WORDS, "pass", "key"})
PASS_OWNERS = frozenset(
    ["db", "user", "admin", "root", "mysql", "postgres", "pg", "smtp", "ftp", "sftp", "redis", "auth", "login", "ldap"]
)
# Before a secret word, these change its meaning: a page token, a route, a switch.
EXCLUDING_OWNERS = {
    "token": frozenset(
        [
            "next",
            "max",
            "min",
            "num",
            "page",
            "pagination",
            "continuation",
            "client",
            "idempotency",
            "request",
            "csrf",
            "xsrf",
            "start",
            "cancellation",
            "upload",
        ]
    ),
    "": frozenset(
        [
            "no",
            "non",
            "not",
            "without",
            "public",
            "reset",
            "forgot",
            "forgotten",
            "change",
            "rotate",
            "update",
            "use",
            "require",
            "requires",
            "enable",
            "disable",
            "allow",
            "allows",
            "has",
            "is",
            "generate",
            "generates",
            "validate",
            "hide",
            "show",
        ]
    ),
}
# After a secret word, only these keep its meaning; any other word (policy, ttl, arn, name, length …) describes it.
QUALIFIERS = frozenset(
    [
        "prod",
        "production",
        "prd",
        "dev",
        "development",
        "test",
        "testing",
        "stage",
        "staging",
        "stg",
        "qa",
        "uat",
        "int",
        "sandbox",
        "live",
        "eu",
        "us",
        "ap",
        "ca",
        "sa",
        "me",
        "af",
        "il",
        "mx",
        "west",
        "east",
        "central",
        "north",
        "south",
        "northeast",
        "southeast",
        "northwest",
        "southwest",
        "primary",
        "secondary",
        "current",
        "previous",
        "old",
        "new",
        "latest",
        "backup",
        "value",
        "plain",
        "plaintext",
        "default",
        "base64",
        "b64",
        "json",
        "yaml",
        "yml",
        "pem",
        "v",
        "ro",
        "rw",
        "main",
        "blue",
        "green",
    ]
)
JOINED_ENDINGS = ("password", "passwd", "passphrase")


def split_words(text: str) -> list[str]:
    """db_password, DBPassword and db-password are all [db, password]."""
    return [word.lower() for word in WORD.findall(text)]


def is_qualifier(word: str) -> bool:
    return word in QUALIFIERS or word.isdigit()


def strip_qualifiers(parts: list[str]) -> list[str]:
    """The words without the qualifiers at their end."""
    end = len(parts)
    while end and is_qualifier(parts[end - 1]):
        end -= 1
    return parts[:end]


def classify_secret_words(parts: list[str]) -> str | None:
    """The kind of secret that these words denote, or None. The last word that is no qualifier decides."""
    parts = strip_qualifiers(parts)
    if not parts:
        return None
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    found, owner = _classify_last_word(last, before), before
    if found and last in {"key", "keys", "string"}:
        owner = parts[-3] if len(parts) > 2 else ""
    if found is None or owner in EXCLUDING_OWNERS[""] or owner in EXCLUDING_OWNERS.get(found, ()):
        return None
    return found


def _classify_last_word(last: str, before: str) -> str | None:
    if last in SECRET_WORDS:
        return SECRET_WORDS[last]
    if last in {"key", "keys"}:
        return KEY_OWNERS.get(before)
    if last == "string" and before in {"connection", "conn"}:
        return "connection_string"
    if last == "pass" and before in PASS_OWNERS:
        return "password"
    if last.endswith(JOINED_ENDINGS) and not last.startswith(("no", "reset", "forgot")):
        return "password"
    return None
