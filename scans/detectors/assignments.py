"""Detects a secret's name followed by its value: password=…, "secret": "…", --token …. Pure."""

from __future__ import annotations

import re

from scans.detectors.base import Detector, unmark_examples
from scans.detectors.phrases import is_phrase
from scans.detectors.placeholders import is_placeholder, is_reference
from scans.detectors.words import classify_secret_words, split_words

# Every name that NAME_PATTERN or the other patterns match contains one of these.
NEEDLES = ("pass", "pwd", "secret", "token", "credential", "apikey", "api-key", "api_key", "accesskey",
           "access_key", "access-key", "privatekey", "private_key", "private-key", "signing", "encryption", "master",
           "auth", "account", "shared", "securestring")  # fmt: skip
NAME_PATTERN = (
    r"(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|credentials?"
    r"|(?:api|access|private|secret|signing|encryption|master|auth|account|shared)[_-]?key)"
)
# All repetitions are bounded: a hostile text must not make a search quadratic (docs/decisions/0020).
VALUE_PATTERN = r"(\\?\"[^\"\\\n]{0,256}\\?\"|\\?'[^'\\\n]{0,256}\\?'|[^\s\"'`,;\\]{1,256})"
ASSIGNED = re.compile(
    NAME_PATTERN + r"\\?[\"']?\]?(\s{0,3}(?:=>|:=|=|:)(?![=:/])\s{0,3})" + VALUE_PATTERN, re.IGNORECASE
)
FLAG = re.compile(r"(?<![\w-])--?[\w-]{0,40}" + NAME_PATTERN + r"(\s{1,3})(?!-)" + VALUE_PATTERN, re.IGNORECASE)
POWERSHELL = re.compile(
    r"ConvertTo-SecureString\s+(?:-String\s+)?([\"'])([^\"'\n]{4,128})\1\s+-AsPlainText", re.IGNORECASE
)
ELEMENT = re.compile(r"<([\w.:-]{2,64})(?:\s[^<>]{0,200})?>\s{0,8}([^<>\s]{6,256})\s{0,8}</")
NAME_BEFORE = re.compile(r"[\w.-]{0,40}\Z")
WEAK_PASSWORDS = frozenset(["changeme", "changeit", "letmein", "welcome", "qwerty", "hunter2", "admin123", "passw0rd"])
SYMBOLS = frozenset("!@#$%^&*?~+=")
CODE_CHARACTERS = frozenset("([{<>|")


def find_assignment(text: str, low: str) -> bool:
    for pattern in (ASSIGNED, FLAG):
        for found in pattern.finditer(text):
            if _is_assigned_secret(text, found):
                return True
    if "</" in low and any(_is_element(found) for found in ELEMENT.finditer(text)):
        return True
    if "convertto-securestring" in low:
        return any(not is_placeholder(found.group(2)) for found in POWERSHELL.finditer(text))
    return False


def _is_element(found: re.Match[str]) -> bool:
    """Whether <password>…</password> holds a secret. A plain word may be a form's label in another language."""
    kind = classify_secret_words(split_words(found.group(1)))
    return kind is not None and is_secret_value(found.group(2), kind) and is_mixed(found.group(2))


def _is_assigned_secret(text: str, found: re.Match[str]) -> bool:
    separator, given = found.group(1), found.group(2)
    name = _extract_full_name(text, found)
    kind = classify_secret_words(split_words(name))
    if kind is None:
        return False
    # JSON inside JSON escapes its quotes; they still delimit the value.
    bare = given.replace("\\", "")
    if bare[:1] in {'"', "'"}:
        return is_secret_value(bare.strip("\"'"), kind)
    return _is_bare_value(bare.rstrip(").,;:]}"), kind, name, separator)


def _extract_full_name(text: str, found: re.Match[str]) -> str:
    """The whole name that ends with the match: DB_PASSWORD for PASSWORD, next-token for token."""
    start = found.start()
    before = NAME_BEFORE.search(text[max(0, start - 40) : start])
    end = found.start(1)
    return (before.group() if before else "") + text[start:end].strip("\\\"'] ")


def is_secret_value(value: str, kind: str) -> bool:
    """Whether a delimited value (quoted, or by itself) is a secret of this kind and no placeholder."""
    if len(value) < 6:
        return False
    if any(character.isspace() for character in value):
        return kind == "password" and is_phrase(value)
    if is_placeholder(value) or is_reference(value):
        return False
    if kind == "password" or value.lower() in WEAK_PASSWORDS:
        return True
    return len(value) >= 8 and is_mixed(value)


def _is_bare_value(value: str, kind: str, name: str, separator: str) -> bool:
    """Whether an unquoted value is a secret. It may be code or prose, so stricter rules apply."""
    if not is_secret_value(value, kind) or CODE_CHARACTERS & set(value):
        return False
    if value.lower() in WEAK_PASSWORDS:
        return True
    # Digits alone count only after =; after a colon they are mostly a port, a count or a time.
    if value.isdigit():
        return separator == "="
    if "=" in separator:
        # An upper-case NAME=value is an environment variable, so a plain word is a value, too.
        return is_mixed(value) or (separator == "=" and name.isupper())
    plain = value.isalnum() or bool(SYMBOLS & set(value))
    return len(value) >= 8 and is_mixed(value) and (plain or _has_both_cases(value))


def is_mixed(value: str) -> bool:
    """Whether the value has letters, and digits or symbols among them."""
    letters = any(character.isalpha() for character in value)
    return letters and any(character.isdigit() or character in SYMBOLS for character in value)


def _has_both_cases(value: str) -> bool:
    digits = any(character.isdigit() for character in value)
    return digits and value != value.lower() and value != value.upper()


ASSIGNMENT = Detector(
    name="assigned_secret",
    find=find_assignment,
    needles=NEEDLES,
    positives=unmark_examples(
        "export DB_PASSWORD=~Xk29vTq8LmZr4w",
        "Password: ~Tr0ub4dor&3-horse for the vendor portal",
        "password=~changeme",
        'db = connect(password="~hunter2x")',
        '{"client_secret": "~9f8a7b6c5d4e3f21"}',
        '{\\"password\\":\\"~hunter2x\\"}',
        "aws_secret_access_key = ~wJalrXUtnFEMIK7MDENGbPxRfiCY0123456789AB",
        "login --password ~hunter2x --user bob",
        "PASSWORD=~correcthorse",
        "the password: ~summer2024",
        'ConvertTo-SecureString "~hunter2x" -AsPlainText -Force',
        "Server=db;User Id=sa;Password=~Pa55w0rd!;",
        "DB_PASS=~Xk29vTq8LmZr",
        '{"dbPass": "~Xk29vTq8LmZr"}',
        "<password>~Xk29vTq8</password>",
        '<db:Password encrypted="no"> ~Xk29vTq8 </db:Password>',
        '{"password":"~My secret pass 1"}',
        "masterkey=~Xk29vTq8LmZr4w",
    ),
    negatives=(
        "password={{ssm-secure:db}}", "password=${DB_PASSWORD}", "PASSWORD=$(aws ssm get-parameter --name x)",
        "password=$PASSWORD", "password=****", "password: <password>", "password=password", "password=db_password",
        "secret=config.secret_value", 'password = event["password"]', "token = response.json()", "Password: required",
        "Password: the one you were given", '"password": "string"', "/app/password-policy/min-length=8",
        "token_ttl=86400seconds", "secret_arn=arn:p:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf",
        "NextToken=AAEAAbcdef0123456789", "--next-token AAEAAbcdef0123456789", "max_tokens=4096000", 'if password == "x":',
        "secretsmanager:GetSecretValue", "secret: prod/orders/db", "private_key: /etc/ssl/private.pem", "PWD=/var/lib/app",
        "--password option", "ssm.get_parameter(Name=name, WithDecryption=True)", "password: !Ref DbPassword",
        "DbPassword: {Type: String, NoEcho: true}", "api_key=%API_KEY%", "password_file=/run/secrets/db1",
        '{"EncryptionKey":"1234abcd-12ab-34cd-56ef-1234567890ab"}', '{"MasterKey":"mrk-1234abcd12ab34cd56ef1234567890ab"}',
        "KMS_ENCRYPTION_KEY=1234abcd-12ab-34cd-56ef-1234567890ab", "master_key=1234ABCD-12ab-34cd-56ef-1234567890ab.",
        '{"AuthKey":"sha256:' + "a1" * 32 + '"}', '{"token":"7b0f5d3e-1c1a-4a6c-9f3e-2f6f4f4f4f4f"}', "secret=k8s/secret-1",
        '{"SigningKey":"ami-0abcdef1234567890"}', "compass=Xk29vTq8LmZr", "bypass=Xk29vTq8LmZr", "pass=12of14tests",
        "DB_PASS=${DB_PASS}", "db_pass=config.db_pass", "user-pass: required", "<password>${env.DB_PASSWORD}</password>",
        "<password>{{ssm-secure:db}}</password>", "<password>Kennwort</password>", "<secret>k8s/orders/db-1</secret>",
        "<token>7b0f5d3e-1c1a-4a6c-9f3e-2f6f4f4f4f4f</token>", "<passwordPolicy>min8chars</passwordPolicy>",
        '{"password":"At least 8 characters"}', '{"password":"See ticket OPS-1234 first"}', '{"password":"Rotated on 2024-01-31"}',
        '{"secret":"My secret pass 1"}', '{"password":"kept in vault v2"}', "password: My secret pass 1",
    ),
)  # fmt: skip
