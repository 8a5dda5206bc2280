"""Detects secrets with a recognizable form: key ids, key files, tokens with a known prefix. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from scans.detectors.base import Detector, unmark_examples
from scans.detectors.placeholders import is_placeholder

Find = Callable[[str, str], bool]
EDGE_BEFORE = r"(?<![A-Za-z0-9_])"
EDGE_AFTER = r"(?![A-Za-z0-9_])"
JWT = re.compile(r"(?<![\w.-])(eyJ[\w-]{8,4000})\.eyJ[\w-]{8,8000}\.[\w-]{16,2000}")
AUTHORIZATION_HEADER = re.compile(
    r"authorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?:basic|bearer|token)\s{1,3}([\w+/=.~-]{12,4000})",
    re.IGNORECASE,
)


def make_pattern_finder(pattern: str, flags: int = 0) -> Find:
    """A finder for a pattern, except for masks that repeat a few characters (ghp_xxxxxxxx)."""
    compiled = re.compile(pattern, flags)
    return lambda text, _low: any(len(set(found.group()[-12:])) > 4 for found in compiled.finditer(text))


def find_private_key(text: str, _low: str) -> bool:
    return re.search(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----", text) is not None


def find_jwt(text: str, _low: str) -> bool:
    # Every JSON object in base64 begins like this; only a header that names its algorithm makes it a token.
    for found in JWT.finditer(text):
        header = found.group(1)
        try:
            decoded = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
        except binascii.Error:
            continue
        if b'"alg"' in decoded:
            return True
    return False


def find_header(text: str, _low: str) -> bool:
    return any(not is_placeholder(found.group(1)) for found in AUTHORIZATION_HEADER.finditer(text))


def make_prefix_detector(
    name: str, needles: tuple[str, ...], pattern: str, *positives: str, negatives: tuple[str, ...] = ()
) -> Detector:
    return Detector(
        name, make_pattern_finder(EDGE_BEFORE + pattern + EDGE_AFTER), unmark_examples(*positives), negatives, needles
    )


EXAMPLE_BODY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # 36 characters

TOKEN_DETECTORS = (
    make_prefix_detector(
        "aws_access_key", ("akia", "asia"), r"(?:AKIA|ASIA)[A-Z0-9]{16}",
        "use AKIA~Z7QF3LWXK2MDB5TE until the rotation", '{"AccessKeyId":"ASIA~Z7QF3LWXK2MDB5TE"}',
        negatives=("AIDAZ7QF3LWXK2MDB5TEA", "AROAZ7QF3LWXK2MDB5TEA", "AKIAshort", "xAKIAZ7QF3LWXK2MDB5TEx", "AKIA" + "X" * 16),
    ),
    Detector(
        "private_key", find_private_key,
        unmark_examples("-----BEGIN RSA ~PRIVATE KEY-----\nMIIE", "-----BEGIN ~PRIVATE KEY-----", "-----BEGIN PGP ~PRIVATE KEY BLOCK-----"),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "the private key is in the vault"),
        ("-----begin ",),
    ),
    make_prefix_detector(
        "github_token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})",
        "ghp_~" + EXAMPLE_BODY, "github_pat_~" + EXAMPLE_BODY[:22] + "_" + EXAMPLE_BODY + EXAMPLE_BODY[:23],
        negatives=("ghp_" + "x" * 36, "ghp_short"),
    ),
    make_prefix_detector(
        "gitlab_token", ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"), r"gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,64}",
        "glpat-~" + EXAMPLE_BODY[:20], negatives=("glpat-short",),
    ),
    Detector(
        "slack_token",
        make_pattern_finder(EDGE_BEFORE + r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250})|hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}"),
        unmark_examples("xox~b-123456789012-" + EXAMPLE_BODY[:24], "https://hooks.slack~.com/services/T01ABCDEF/B01ABCDEF/" + EXAMPLE_BODY[:24]),
        ("xoxb-your", "https://hooks.slack.com/services/"),
        ("xox", "xapp-", "hooks.slack.com"),
    ),
    make_prefix_detector(
        "stripe_key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9+/]{24,100})",
        "sk_~live_" + EXAMPLE_BODY[:24], negatives=("pk_live_" + EXAMPLE_BODY[:24], "sk_live_..."),
    ),
    make_prefix_detector("google_api_key", ("aiza",), r"AIza[\w-]{35}", "AIza~" + EXAMPLE_BODY[:35], negatives=("AIzaShort",)),
    make_prefix_detector(
        "vendor_token",
        ("sg.", "npm_", "pypi-ageichlwas5vcmc", "dop_v1_", "hvs.", "dapi", "hf_", "shpat_", "shpss_", "sk-ant-", "sk-proj-"),
        r"(?:SG\.[\w-]{22}\.[\w-]{43}|npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[\w-]{50,250}|dop_v1_[a-f0-9]{64}"
        r"|hvs\.[\w-]{24,250}|dapi[a-f0-9]{32}|hf_[A-Za-z0-9]{34}|shp(?:at|ss)_[a-fA-F0-9]{32}|sk-(?:ant|proj)-[\w-]{24,250})",
        "npm_~" + EXAMPLE_BODY, "hvs.~" + EXAMPLE_BODY, "SG.~" + EXAMPLE_BODY[:22] + "." + EXAMPLE_BODY + EXAMPLE_BODY[:7], "dapi~0123456789abcdef0123456789abcdef",
        negatives=("npm_config_registry", "hf_model", "dapi", "msg.example"),
    ),
    Detector(
        "storage_account_key", make_pattern_finder(r"AccountKey=[A-Za-z0-9+/]{86}=="),
        unmark_examples("AccountName=a;AccountKey=~" + EXAMPLE_BODY + EXAMPLE_BODY + EXAMPLE_BODY[:14] + "==;EndpointSuffix=core.windows.net"),
        ("AccountKey=${KEY}",), ("accountkey=",),
    ),
    Detector(
        "presigned_url", make_pattern_finder(r"X-Amz-Signature=[0-9a-f]{64}|[?&]Signature=[A-Za-z0-9%+/]{20,}={0,2}&|[?&]sig=[A-Za-z0-9%+/]{40,}", re.IGNORECASE),
        unmark_examples("https://b.s3.amazonaws.com/k?X-Amz-~Signature=" + "0123456789abcdef" * 4),
        ("X-Amz-Signature=", "https://b.s3.amazonaws.com/k?versionId=1"), ("signature=", "sig="),
    ),
    Detector(
        "jwt", find_jwt,
        unmark_examples("Bearer eyJ~hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
        ("eyJ.eyJ.abc", "eyJub3QiOiJqd3QifQ.eyJub3QiOiJqd3QifQ.dozjgNryP4J3jVmNHl0w5N"), ("eyj",),
    ),
    Detector(
        "authorization_header", find_header,
        unmark_examples('curl -H "Authorization: ~Basic ZGVwbG95OmFiYzEyMw=="', "Authorization: ~Bearer " + EXAMPLE_BODY),
        ("Authorization: Bearer $TOKEN", "Authorization: Bearer ${TOKEN}", "Authorization: Basic xxxxxxxxxxxx", "Authorization: none"),
        ("authorization",),
    ),
)  # fmt: skip
