"""Thousands of identifiers that only look like secrets: not one hit, alone or where they usually stand."""

from __future__ import annotations

import base64
import hashlib
import random
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from scans.detectors import detect_in_text, find_sensitive_fields

EACH = 400
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1")
WORDS = (
    "orders",
    "payments",
    "catalog",
    "prod",
    "test",
    "worker",
    "api",
    "db",
    "cache",
    "node",
    "batch",
    "Web",
    "Data",
)
Make = Callable[[random.Random], str]


def text(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def hexed(rng: random.Random, length: int) -> str:
    return text(rng, "0123456789abcdef", length)


def account(rng: random.Random) -> str:
    return f"{rng.randrange(10**12):012d}"


def name(rng: random.Random) -> str:
    return rng.choice("-_/.").join(rng.choices(WORDS, k=rng.randint(1, 4)))


def some_uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def arn(rng: random.Random) -> str:
    partition = rng.choice(("aws", "aws-us-gov", "aws-cn"))
    kinds = (
        f"kms:{rng.choice(REGIONS)}:{account(rng)}:key/{some_uuid(rng)}",
        f"kms:{rng.choice(REGIONS)}:{account(rng)}:key/mrk-{hexed(rng, 32)}",
        f"iam::{account(rng)}:role/service-role/{name(rng)}",
        f"ssm:{rng.choice(REGIONS)}:{account(rng)}:parameter/{name(rng)}",
        f"s3:::{name(rng)}-{account(rng)}/{hexed(rng, 40)}.log.gz",
        f"lambda:{rng.choice(REGIONS)}:{account(rng)}:function:{name(rng)}:{rng.randrange(99)}",
        f"secretsmanager:{rng.choice(REGIONS)}:{account(rng)}:secret:{name(rng)}-{text(rng, string.ascii_letters, 6)}",
        f"elasticloadbalancing:{rng.choice(REGIONS)}:{account(rng)}:targetgroup/{name(rng)}/{hexed(rng, 16)}",
        f"ecs:{rng.choice(REGIONS)}:{account(rng)}:task/{name(rng)}/{hexed(rng, 32)}",
        f"states:{rng.choice(REGIONS)}:{account(rng)}:execution:{name(rng)}:{some_uuid(rng)}",
        f"acm:{rng.choice(REGIONS)}:{account(rng)}:certificate/{some_uuid(rng)}",
        f"logs:{rng.choice(REGIONS)}:{account(rng)}:log-group:/aws/ssm/{name(rng)}:*",
    )
    return f"arn:{partition}:{rng.choice(kinds)}"


def resource_id(rng: random.Random) -> str:
    prefixes = ("i", "ami", "vol", "snap", "sg", "subnet", "vpc", "vpce", "eni", "rtb", "igw", "nat", "mi", "mw", "pb",
                "oi", "lt", "eipalloc", "tgw", "fs", "acl", "r", "dopt", "pcx", "cgw", "aki", "ari")  # fmt: skip
    return f"{rng.choice(prefixes)}-{hexed(rng, rng.choice((8, 12, 17)))}"


def time_of(rng: random.Random) -> str:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(
        seconds=rng.randrange(3 * 10**8), microseconds=rng.randrange(10**6)
    )
    forms = (
        moment.isoformat(), f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d%H%M%S}",
        str(int(moment.timestamp())), str(int(moment.timestamp() * 1000)), f"{moment:%a, %d %b %Y %H:%M:%S GMT}",
    )  # fmt: skip
    return rng.choice(forms)


def digest(rng: random.Random) -> str:
    made = hashlib.new(rng.choice(("md5", "sha1", "sha256", "sha512")), rng.randbytes(8))
    forms = (
        made.hexdigest(), made.hexdigest().upper(), f"sha256:{made.hexdigest()}", f"sha256-{base64.b64encode(made.digest()).decode()}",
        base64.b64encode(made.digest()).decode(), base64.urlsafe_b64encode(made.digest()).decode().rstrip("="),
        ":".join(made.hexdigest()[n : n + 2] for n in range(0, 40, 2)), f'"{made.hexdigest()}-{rng.randrange(1, 99)}"',
    )  # fmt: skip
    return rng.choice(forms)


def git(rng: random.Random) -> str:
    return rng.choice(
        (hexed(rng, 40), hexed(rng, 7), f"v{rng.randrange(20)}.{rng.randrange(40)}.{rng.randrange(99)}-{hexed(rng, 8)}")
    )


def token_of_pages(rng: random.Random) -> str:
    """What AWS gives back to ask for the next page; opens nothing."""
    return f"NextToken={base64.b64encode(rng.randbytes(rng.randint(30, 120))).decode()}"


def iam_id(rng: random.Random) -> str:
    """Ids of users, roles, groups, profiles, policies: no access keys, though they look alike."""
    return rng.choice(("AIDA", "AROA", "AGPA", "AIPA", "ANPA", "ANVA", "APKA", "ASCA")) + text(
        rng, string.ascii_uppercase + "234567", 17
    )


def url(rng: random.Random) -> str:
    forms = (
        f"https://{name(rng).replace('/', '-').replace('_', '-')}.s3.{rng.choice(REGIONS)}.amazonaws.com/{hexed(rng, 32)}/{name(rng)}.yaml",
        f"https://{some_uuid(rng)}.execute-api.{rng.choice(REGIONS)}.amazonaws.com/prod?versionId={text(rng, string.ascii_letters, 32)}",
        f"s3://{name(rng).replace('/', '-')}/{account(rng)}/{rng.randrange(2030)}/{hexed(rng, 16)}",
        f"https://sqs.{rng.choice(REGIONS)}.amazonaws.com/{account(rng)}/{name(rng)}",
        f"{account(rng)}.dkr.ecr.{rng.choice(REGIONS)}.amazonaws.com/{name(rng)}@sha256:{hexed(rng, 64)}",
        f"git@github.com:acme/{name(rng)}.git",
        f"jdbc:postgresql://{name(rng).replace('/', '.')}.internal:5432/{rng.choice(WORDS)}",
    )
    return rng.choice(forms)


def address(rng: random.Random) -> str:
    part = lambda: str(rng.randrange(256))  # noqa: E731
    forms = (
        f"{part()}.{part()}.{part()}.{part()}/{rng.randrange(33)}",
        ":".join(hexed(rng, 4) for _ in range(8)),
        ":".join(hexed(rng, 2) for _ in range(6)),
        f"ip-{part()}-{part()}-{part()}-{part()}.{rng.choice(REGIONS)}.compute.internal",
        f"ec2-user@ip-10-0-{part()}-{part()}.{rng.choice(REGIONS)}.compute.internal",
    )
    return rng.choice(forms)


KINDS: dict[str, Make] = {
    "ARNs": arn,
    "UUIDs": some_uuid,
    "resource ids, AMIs among them": resource_id,
    "digests, in hexadecimal and base64": digest,
    "times": time_of,
    "account ids": account,
    "names": name,
    "IAM ids": iam_id,
    "commits and versions": git,
    "tokens of pages": token_of_pages,
    "URLs, images and repositories": url,
    "addresses of machines": address,
    "serial numbers": lambda rng: f"SN{rng.randrange(10**9):09d}",
    "random letters": lambda rng: text(rng, string.ascii_letters + string.digits, rng.randint(8, 64)),
    "versions": lambda rng: ".".join(str(rng.randrange(30000)) for _ in range(4)),
    "schedules": lambda rng: f"cron({rng.randrange(60)} {rng.randrange(24)} ? * SUN *)",
}


@cache
def corpus(kind: str) -> list[str]:
    rng = random.Random(f"clean {kind}")
    return [KINDS[kind](rng) for _ in range(EACH)]


@pytest.mark.parametrize("kind", KINDS)
def test_clean_text_alone_has_no_hit(kind: str) -> None:
    assert [(each, detect_in_text(each)) for each in corpus(kind) if detect_in_text(each)] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "around", ["echo {}", '{{"id": "{}", "next": "x"}}', "Copied from {} on Monday.", "--id {} --force", "[{}]"]
)
def test_in_the_middle_of_text(kind: str, around: str) -> None:
    found = [
        (each, detect_in_text(around.format(each)))
        for each in corpus(kind)[:120]
        if detect_in_text(around.format(each))
    ]
    assert found == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "key", ["id", "resource", "checksum", "SourceHash", "KmsKeyId", "CertificateArn", "version", "owner"]
)
def test_as_tags_and_fields(kind: str, key: str) -> None:
    for each in corpus(kind)[:120]:
        assert find_sensitive_fields({"Tags": [{"Key": key, "Value": each}], key: each}) == [], each


@pytest.mark.parametrize(
    "kind", ["ARNs", "UUIDs", "resource ids, AMIs among them", "names", "times", "URLs, images and repositories"]
)
@pytest.mark.parametrize(
    "key",
    [
        "SecretArn",
        "SecretId",
        "TokenId",
        "PasswordParameter",
        "KeyId",
        "ClientToken",
        "secretName",
        "TokenTTL",
        "public_key",
    ],
)
def test_clean_value_under_secret_related_key_has_no_hit(kind: str, key: str) -> None:
    found = [
        (each, find_sensitive_fields({key: each})) for each in corpus(kind)[:120] if find_sensitive_fields({key: each})
    ]
    assert found == []


IDENTIFIERS = {
    "ARNs": arn,
    "UUIDs": some_uuid,
    "keys of many regions": lambda rng: f"mrk-{hexed(rng, 32)}",
    "AMIs": lambda rng: f"ami-{hexed(rng, rng.choice((8, 17)))}",
    "images": lambda rng: f"sha256:{hexed(rng, 64)}",
    "integrity": lambda rng: f"sha384-{base64.b64encode(rng.randbytes(48)).decode()}",
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
@pytest.mark.parametrize("key", ["EncryptionKey", "MasterKey", "KMS_ENCRYPTION_KEY", "token", "auth_key", "secret"])
def test_identifier_beside_a_secret_name_is_no_secret(kind: str, key: str) -> None:
    rng = random.Random(f"named {kind}")
    for each in (IDENTIFIERS[kind](rng) for _ in range(60)):
        for text in (
            f'{{"{key}":"{each}"}}',
            f"{key}={each}",
            f"{key}: {each}.",
            f"--{key} {each}",
            f"<{key}>{each}</{key}>",
        ):
            assert detect_in_text(text) == [], text
        assert find_sensitive_fields({key: each}) == [], each


def test_the_corpus_has_thousands() -> None:
    everything = [each for kind in KINDS for each in corpus(kind)]
    assert len(everything) == EACH * len(KINDS)
    assert len(set(everything)) > 5000
