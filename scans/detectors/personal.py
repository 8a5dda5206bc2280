"""Detects personal data: email addresses, cards, bank accounts, social security and phone numbers. Pure."""

from __future__ import annotations

import re

from scans.detectors.base import Detector
from scans.detectors.urls import iter_user_infos

MAIL_LOCAL_PART = re.compile(r"[\w.%+'-]{1,64}\Z")
MAIL_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24})(?![\w-])")
# Endings of host names and file names, which are no email domains.
NON_MAIL_DOMAINS = frozenset(
    [
        "internal",
        "local",
        "localdomain",
        "lan",
        "home",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "css",
        "js",
        "json",
        "yaml",
        "yml",
        "md",
        "txt",
        "tar",
        "gz",
        "zip",
    ]
)
CARD = re.compile(
    r"(?<![\w/+.\-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5}|\d{14,16})(?![\w/+\-]|\.\d|[ ]\d{4}\b)"
)
ISSUED_CARD = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
IBAN = re.compile(
    r"(?<![A-Za-z0-9/+_-])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?)(?![A-Za-z0-9/+_-])"
)
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22,
    "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24,
    "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
PHONE = re.compile(r"(?<![\w+])\+[1-9](?:[ .()/-]{0,2}\d){7,14}(?![ .()/-]{0,2}\d)")
PHONE_WORDS = re.compile(r"phone|tel\b|mobile|cell|call|fax|whatsapp|sms|dial|reach|contact", re.IGNORECASE)
MAX_DISTANCE = 40


def find_email(text: str, _low: str) -> bool:
    """Whether there is an email address. The search starts at each @, so that its time is proportional to the text."""
    # The @ of https://user:password@host is no address; urls.py judges it.
    user_parts = {end for _, end, _ in iter_user_infos(text)} if "://" in text else set()
    at = text.find("@")
    while at != -1:
        if at not in user_parts and _is_address(text, at):
            return True
        at = text.find("@", at + 1)
    return False


def _is_address(text: str, at: int) -> bool:
    domain = MAIL_DOMAIN.match(text, at + 1)
    local = MAIL_LOCAL_PART.search(text[max(0, at - 64) : at]) if domain else None
    if domain is None or local is None or not local.group().strip(".%+'-"):
        return False
    if domain.group(1).lower() in NON_MAIL_DOMAINS or domain.group().lower().endswith(".amazonaws.com"):
        return False
    return not (local.group() == "git" and text[domain.end() : domain.end() + 1] == ":")


def find_card(text: str, _low: str) -> bool:
    for found in CARD.finditer(text):
        digits = found.group().replace(" ", "").replace("-", "")
        # The prefix and the checksum rule out most timestamps and account ids, which have as many digits.
        if ISSUED_CARD.fullmatch(digits) and len(set(digits)) > 1 and passes_luhn(digits):
            return True
    return False


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find_iban(text: str, _low: str) -> bool:
    for found in IBAN.finditer(text):
        length = IBAN_LENGTHS.get(found.group()[:2], 0)
        compact = found.group().replace(" ", "")
        spaced = " " in found.group()
        # A spaced IBAN may be followed by a word in capitals that the pattern takes for one more group.
        if length and (len(compact) == length or (spaced and len(compact) > length)) and passes_mod97(compact[:length]):
            return True
    return False


def passes_mod97(iban: str) -> bool:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def find_ssn(text: str, low: str) -> bool:
    # Other ids have the same form, so a word such as "SSN" must precede it.
    return any(_is_word_before(low, found.start(), ("ssn", "social security")) for found in SSN.finditer(text))


def find_phone(text: str, _low: str) -> bool:
    # Many numbers look like this, so a word such as "phone" must precede it.
    return any(PHONE_WORDS.search(text[max(0, m.start() - MAX_DISTANCE) : m.start()]) for m in PHONE.finditer(text))


def _is_word_before(low: str, at: int, wanted: tuple[str, ...]) -> bool:
    before = low[max(0, at - MAX_DISTANCE) : at]
    return any(word in before for word in wanted)


PERSONAL = (
    Detector(
        "email", find_email,
        ("ask jane.doe@example.com", "mailto:ops+alerts@mail.example.co.uk?x", "<o'neill@example.org>", "jürgen@müller.example.de"),
        ("git@github.com:acme/app.git", "ssh://git@github.com/acme/app.git", "ssh ec2-user@ip-10-0-0-1.eu-west-1.compute.internal", "icon@2x.png", "react@18.2.0",
         "https://deploy:Xk29vTq8LmZr4w@files.example.com/app", "@app.route", "user@localhost", "a @ b.example.com"),
        ("@",),
    ),
    Detector(
        "card_number", find_card,
        ("card 4111 1111 1111 1111", "4242424242424242", "5500-0000-0000-0004", "amex 3782 822463 10005", "378282246310005."),
        ("4111 1111 1111 1112", "1700000000000000", "arn:x:y/4242424242424242", "111122223333", "4242424242424242abc",
         "0000000000000000", "20240131235959", "4242.4242.4242.4242"),
    ),
    Detector(
        "iban", find_iban,
        ("pay to DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "IBAN: NL91 ABNA 0417 1643 00 please"),
        ("DE89370400440532013001", "XX89370400440532013000", "EC2A1234567890ABCDEF", "GB82WEST1234"),
    ),
    Detector(
        "us_ssn", find_ssn,
        ("SSN: 536-22-1234", "social security number 536-22-1234"),
        ("536-22-1234", "ssn 000-12-3456", "ssn 666-12-3456", "ssn 1536-22-1234"),
        ("ssn", "social security"),
    ),
    Detector(
        "phone_number", find_phone,
        ("call +44 20 7946 0958", "Phone: +14155552671", "mobile +49 (151) 234-56789"),
        ("+44 20 7946 0958", "2024-01-31T10:00:00+01:00", "call +1", "sum: 1+23456789"),
        ("+",),
    ),
)  # fmt: skip
