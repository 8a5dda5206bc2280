"""Texts as AWS might answer them, by the name of the member that holds them and by the pattern that its shape must match."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from botocore.model import Shape

ACCOUNT, OTHER, STRANGER = "111122223333", "444455556666", "999999999999"
REGION = "eu-west-1"
TOKENS = {"nexttoken", "paginationtoken", "marker", "nextmarker", "continuationtoken"}
BUCKETS = ("shop-output", "shop-sessions", "elsewhere-of-others")
GROUPS = ("/aws/ssm/AWS-RunShellScript", "/shop/sessions")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
POLICIES = tuple(
    json.dumps({"Version": "2012-10-17", "Statement": statement})
    for statement in (
        [OPEN], OPEN, [],
        [{**OPEN, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}],
        [{**OPEN, "Principal": {"AWS": [ACCOUNT, f"arn:aws:iam::{STRANGER}:root"]}, "Action": ["ssm:Get*", "kms:Decrypt"],
          "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-example1234", "kms:ViaService": "ssm.amazonaws.com"}}}],
        [{"Effect": "Allow", "NotPrincipal": {"Service": "x"}, "NotAction": "iam:*", "NotResource": ["*"]}],
    )
)  # fmt: skip
DOCUMENTS = (
    '{"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript", "inputs": {"runCommand": ["true"]}}]}',
    'schemaVersion: "1.0"\nsessionType: Standard_Stream\ninputs: {s3BucketName: shop-sessions, kmsKeyId: alias/shop}',
    'schemaVersion: "0.3"\nmainSteps:\n- {name: a, action: "aws:executeScript", inputs: {Handler: x}}\n',
    "text: a\n", "", "[]", "{", '{"mainSteps": null}',
)  # fmt: skip
RECORDS = (
    '{"tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "ssm.eu-west-1.amazonaws.com"}}',
    '{"requestParameters": {"name": "Shop-Deploy", "attachments": [{"key": "SourceUrl", "values": ["s3://shop-output"]}]}}',
    '{"requestParameters": null, "tlsDetails": null}', "{}", "[]", "no record",
)  # fmt: skip
REPORT_HEAD = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,"
    "cert_2_last_rotated\n"
)
DAY = "2026-01-01T00:00:00+00:00"
ROOT = f"<root_account>,arn:aws:iam::{ACCOUNT}:root,{DAY},not_supported,{DAY},not_supported,not_supported,false"
UNUSED_KEYS = ",false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"
BLOBS = (
    (REPORT_HEAD + ROOT + UNUSED_KEYS).encode(), REPORT_HEAD.encode(), b"user,arn\n", b"", b"\xff\xfe", b"no report",
)  # fmt: skip
# An account whose one region isn't in use is not read any further.
SETTLED = {"RegionName": REGION, "RegionOptStatus": "ENABLED", "OptInStatus": "opted-in"}
# What most of them say, so that what is asked only then is asked.
LIKELY = {
    "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled", "Origin": "AWS_KMS",
    "DocumentType": "Package",
}  # fmt: skip
WORDS = (
    "alpha",
    "beta",
    "Shop-Deploy",
    "AWS-RunShellScript",
    "a b",
    "ünïcode",
    "{{ p }}",
    "0",
    "true",
    "None",
    "-",
    "",
)
# A part of the member's name, in lower case -> what it may say. The first that fits counts.
BY_NAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("policydocument", POLICIES), ("policy.document", POLICIES), ("policytext", POLICIES),
    ("cloudtrailevent", RECORDS), ("content", DOCUMENTS),
    ("documentname", ("AWS-RunShellScript", "AWS-CreateCloudFormationStack", "AWS-RunRemoteScript", "Shop-Deploy")),
    ("bucketname", BUCKETS), ("bucket.name", BUCKETS), ("keymetadata.arn", (KEY,)), ("bucketarn", tuple(f"arn:aws:s3:::{name}" for name in BUCKETS)),
    ("cloudwatchlogsloggrouparn", (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/shop/trail:*",)),
    ("loggrouparn", tuple(f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}" for name in GROUPS)),
    ("loggroupname", GROUPS), ("kmskey", (KEY, "alias/shop", "alias/aws/ssm")), ("kmsmasterkey", (KEY, "alias/shop")),
    ("targetkeyid", (KEY.rpartition("/")[2],)), ("keyid", (KEY, "alias/shop", "alias/aws/ssm")),
    ("aliasname", ("alias/shop", "alias/aws/ssm", "alias/aws/s3")),
    ("aliasarn", (f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/shop",)), ("kmskeyarn", (KEY,)),
    ("trailarn", tuple(f"arn:aws:cloudtrail:{REGION}:{who}:trail/main" for who in (ACCOUNT, OTHER))),
    ("resourcesharearn", (f"arn:aws:ram:{REGION}:{ACCOUNT}:resource-share/1234abcd",)),
    ("serialnumber", (f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device", f"arn:aws:iam::{ACCOUNT}:mfa/app")),
    ("vpcid", ("vpc-0a1b2c3d", "vpc-0f9e8d7c")), ("instanceid", ("i-0123456789abcdef0", "mi-0123456789abcdef0")),
    ("servicename", ("com.amazonaws.eu-west-1.ssm", "com.amazonaws.eu-west-1.ssmmessages", "com.example.other")),
    ("homeregion", (REGION,)), ("regionname", (REGION,)), ("region", (REGION, "us-east-1")),
    ("ownerid", (ACCOUNT, OTHER)), ("accountid", (ACCOUNT, OTHER, "all")), ("principal", (ACCOUNT, STRANGER)),
    ("settingvalue", ("CloudWatch", "Default", "Enable", "true", "/shop/scripts")),
    ("regionoptstatus", ("ENABLED",)), ("cidripv6", ("::/0", "fd00::/8")), ("cidr", ("0.0.0.0/0", "10.0.0.0/16")),
    ("taskarn", ("AWS-RunShellScript", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x")),
    ("arn", (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/shop", f"arn:aws:ssm:{REGION}:{OTHER}:parameter/x",
             f"arn:aws:iam::{ACCOUNT}:role/AmazonSSMExplorerExportRole", "arn:aws:iam::aws:policy/AdministratorAccess")),
)  # fmt: skip


def choose_text(shape: Shape, owner: str, member: str, rng: random.Random) -> str:
    """A text for this member of this shape, with the least length that the model asks for."""
    name = member.lower()
    full = f"{owner.lower()}.{name}"
    choices = next((said for part, said in BY_NAME if part in name or part in full), WORDS)
    pattern = shape.metadata.get("pattern")
    if pattern is None or choices is POLICIES:
        return padded(rng.choice(choices), shape)
    fitting = [text for text in choices if text and matches(pattern, text)]
    return padded(rng.choice(fitting), shape) if fitting else written_for(pattern, rng)


def padded(text: str, shape: Shape) -> str:
    return text + "y" * (shape.metadata.get("min", 0) - len(text))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of AWS's models, which have classes of characters that Python's lack."""
    plain = pattern.replace(r"\p{L}", "a-zA-Z").replace(r"\p{Z}", " ").replace(r"\p{N}", "0-9")
    if plain.startswith("(?i)"):
        return re.compile(plain[4:], re.IGNORECASE)
    return re.compile(plain)


def matches(pattern: str, text: str) -> bool:
    return compiled(pattern).fullmatch(text) is not None


def written_for(pattern: str, rng: random.Random) -> str:
    """A text that the pattern matches."""
    for _ in range(20):
        text = "".join(write(parser.parse(compiled(pattern).pattern), rng))
        if matches(pattern, text):
            return text
    raise AssertionError(f"nothing was found that {pattern} matches: name its member in BY_NAME")


def write(tree: Any, rng: random.Random) -> list[str]:
    found: list[str] = []
    for code, given in tree:
        if code is codes.LITERAL:
            found.append(chr(given))
        elif code in (codes.ANY, codes.NOT_LITERAL):
            found.append("b")
        elif code is codes.IN:
            found.append(member_of(given, rng))
        elif code is codes.BRANCH:
            found += write(rng.choice(given[1]), rng)
        elif code is codes.SUBPATTERN:
            found += write(given[3], rng)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = given
            for _ in range(rng.randint(least, min(most, least + 2))):
                found += write(inner, rng)
    return found


def member_of(choices: Any, rng: random.Random) -> str:
    code, given = rng.choice(choices)
    if code is codes.LITERAL:
        return chr(given)
    if code is codes.RANGE:
        return chr(rng.randint(*given))
    return "b" if given is codes.CATEGORY_WORD else "7" if given is codes.CATEGORY_DIGIT else "a"
