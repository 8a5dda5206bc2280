"""Finds the bucket that a text names, in every form that S3 takes; or why it can't be known. Pure.

Sources: S3 user guide, virtual hosting, dual-stack endpoints, PrivateLink and access points
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/dual-stack-endpoints.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html); S3 endpoints of the regions
(https://docs.aws.amazon.com/general/latest/gr/s3.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

# Buckets of us-east-1 that were created before March 2018 may have capitals, underscores and up to 255 characters:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
TEMPLATE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
# What stands for a template while a URL is taken apart: no URL has this character.
HOLE = "\ue000"
SUFFIX = (
    r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn|c2s\.ic\.gov|sc2s\.sgov\.gov)"
)
PLACE = r"[a-z0-9-]+"
# BUCKET.s3.REGION.SUFFIX or s3.REGION.SUFFIX/BUCKET, with the variants of the service's name.
HOST = re.compile(
    rf"(?:(?P<bucket>.+)\.)?s3(?:-fips|-accelerate|-website)?(?:[.-]dualstack)?(?:[.-](?!accesspoint|object-lambda|outposts|global){PLACE})?\.{SUFFIX}"
)
# An interface endpoint: BUCKET.bucket.vpce-ID.s3.REGION.vpce.SUFFIX, or the same host with the bucket in the path.
PRIVATE_HOST = re.compile(rf"(?:(?P<bucket>.+)\.)?bucket\.vpce-{PLACE}\.s3\.{PLACE}\.vpce\.{SUFFIX}")
# Any other host of the service: of access points, and of forms that this version doesn't know.
SERVICE_HOST = re.compile(rf"(?:.+\.)?s3(?:express)?(?:[.-].*)?\.{SUFFIX}")
BUCKET_ARN = re.compile(rf"arn:[a-z{HOLE}-]+:s3:::(?P<bucket>[^/]*)(?:/.*)?", re.DOTALL)
SERVICE_ARN = re.compile(rf"arn:[a-z{HOLE}-]+:(?P<service>s3[a-z-]*):.*", re.DOTALL)
SHOWN_TEMPLATE = re.compile(r"[\w.:/@-]{1,200}")
ACCESS_POINT_ALIASES = ("-s3alias", "--ol-s3", ".mrap")
DIRECTORY_SUFFIX = "--x-s3"
BY_ACCESS_POINT = "it is named through an access point, whose bucket isn't read"
BY_DIRECTORY = "it is a directory bucket, which isn't read"
NO_NAME = "no bucket's name can be made out"


@dataclass(frozen=True, slots=True)
class S3Place:
    """What a text names in S3: a bucket, or why its bucket isn't known."""

    bucket: str = ""
    unknown: str = ""


def parse_s3_place(text: str) -> S3Place | None:
    """The bucket of a URL, URI or ARN. None: the text names nothing in S3. Templates ({{ … }}) may stand in it."""
    place, templates = _cut_templates(text)
    if place.startswith("arn:"):
        return _parse_arn(place, templates)
    if "://" not in place:
        # A host without its scheme, as some parameters are written. Anything else is a path, or plain text.
        host, slash, _ = place.partition("/")
        styled = _match_host(host.lower())
        return _parse_url(f"https://{place}", templates) if styled and (slash or styled["bucket"]) else None
    return _parse_url(place, templates)


def parse_bucket_setting(text: str) -> S3Place | None:
    """The bucket that a setting names by its bare name, or in any of S3's forms. None: the setting is empty."""
    if not text.strip():
        return None
    found = parse_s3_place(text)
    if found is not None:
        return found
    place, templates = _cut_templates(text)
    # Some settings take BUCKET/PREFIX.
    return _name_bucket(place.strip("/").partition("/")[0], templates)


def is_template(text: str) -> bool:
    """Whether the text is nothing but one template, so that it may stand for any place."""
    return TEMPLATE.fullmatch(text.strip()) is not None


def describe_templates(text: str) -> str:
    """Why a text with templates names no known bucket."""
    # A template may hold anything, so only what looks like a name is repeated.
    found = [name if SHOWN_TEMPLATE.fullmatch(name) else "…" for name in TEMPLATE.findall(text)]
    names = ", ".join(dict.fromkeys(f"{{{{{name}}}}}" for name in found))
    return f"it holds {names}, which only a run resolves"


def _cut_templates(text: str) -> tuple[str, str]:
    """(the text with a character for each template, why it can't be known: empty without templates)."""
    place = text.strip()
    if not TEMPLATE.search(place):
        return place, ""
    return TEMPLATE.sub(HOLE, place), describe_templates(place)


def _parse_arn(place: str, templates: str) -> S3Place | None:
    found = BUCKET_ARN.fullmatch(place)
    if found:
        return _name_bucket(found["bucket"], templates)
    service = SERVICE_ARN.fullmatch(place)
    if service is None:
        return None
    return S3Place(unknown=BY_DIRECTORY if service["service"] == "s3express" else BY_ACCESS_POINT)


def _parse_url(place: str, templates: str) -> S3Place | None:
    try:
        url = urlsplit(place)
        host = unquote(url.hostname or "").rstrip(".")
    except ValueError:
        return None
    scheme = url.scheme.lower()
    if scheme == "s3":
        return _name_bucket(unquote(url.netloc.rpartition("@")[2]), templates)
    if scheme not in {"http", "https"}:
        return S3Place(unknown=templates) if HOLE in place.partition("://")[0] else None
    styled = _match_host(host)
    if styled is None:
        return _parse_other_host(host, templates)
    if styled["bucket"]:
        return _name_bucket(host[: len(styled["bucket"])], templates)
    return _name_bucket(unquote(url.path.lstrip("/").split("/", 1)[0]), templates)


def _match_host(host: str) -> re.Match[str] | None:
    # A hole in the place of the region tells nothing about the bucket.
    whole = host.replace(HOLE, "x")
    return HOST.fullmatch(whole) or PRIVATE_HOST.fullmatch(whole)


def _parse_other_host(host: str, templates: str) -> S3Place | None:
    """A host of S3 that names no bucket: an access point, or a form that this version doesn't know."""
    if not SERVICE_HOST.fullmatch(host.replace(HOLE, "x")):
        # The whole host, or its end, may be any host: also one of S3.
        may_be_ours = host.endswith(HOLE) or (HOLE in host and "s3" in host)
        return S3Place(unknown=templates) if may_be_ours else None
    if "s3express" in host:
        return S3Place(unknown=BY_DIRECTORY)
    return S3Place(unknown=BY_ACCESS_POINT if "accesspoint" in host or "object-lambda" in host else NO_NAME)


def _name_bucket(name: str, templates: str) -> S3Place:
    if HOLE in name:
        return S3Place(unknown=templates)
    if name.endswith(ACCESS_POINT_ALIASES):
        return S3Place(unknown=BY_ACCESS_POINT)
    if name.endswith(DIRECTORY_SUFFIX):
        return S3Place(unknown=BY_DIRECTORY)
    return S3Place(bucket=name) if BUCKET.fullmatch(name) else S3Place(unknown=NO_NAME)
