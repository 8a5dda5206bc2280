"""Lists the editions of frameworks that controls name, with their ids, where these were read and when. Pure.

Only ids are listed, no words of a framework. Each id that a control declares must be here (checked by a test).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

FSBP, CIS_3, CIS_5, PCI, NIST = "FSBP", "CIS v3.0", "CIS v5.0", "PCI DSS 4.0.1", "NIST 800-53 r5"
_SECURITY_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/"
_CONTROLS_PAGE = f"{_SECURITY_HUB}securityhub-controls-reference.html"
_CIS_PAGE = f"{_SECURITY_HUB}cis-aws-foundations-benchmark.html"
# AWS's page has only those numbers of CIS that Security Hub checks. The others are facts of Prowler's files (Apache-2.0).
_PROWLER = "https://github.com/prowler-cloud/prowler/blob/master/prowler/compliance/aws/"
_READ_ON = date(2026, 11, 29)


@dataclass(frozen=True, slots=True)
class FrameworkEdition:
    """One edition of a framework.

    name: as controls declare it. sources: the pages that its ids were read from. read_on: when.
    ids: those that the sources have. own_ids: further ids of the framework, which no source relates to what the controls
    judge: they were mapped by their titles."""

    name: str
    title: str
    version: str
    sources: tuple[str, ...]
    ids: tuple[str, ...]
    own_ids: tuple[str, ...] = ()
    read_on: date | None = _READ_ON

    @property
    def all_ids(self) -> frozenset[str]:
        return frozenset(self.ids) | frozenset(self.own_ids)


def make_natural_sort_key(id: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts 1.4 before 1.10, and AC-3 before AC-12."""
    # Each part is a tuple with its kind first, because Python can't compare an int with a str.
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", id))


def _number(section: str, last: int, first: int = 1) -> tuple[str, ...]:
    return tuple(f"{section}.{n}" for n in range(first, last + 1))


def _split(ids: str) -> tuple[str, ...]:
    return tuple(ids.split())


# The controls of AWS's page for the services that the product reads.
_FSBP_IDS = _split(
    "Account.1 CloudTrail.1 CloudTrail.2 CloudTrail.4 CloudTrail.5 EC2.1 EC2.2 EC2.3 EC2.4 EC2.6 EC2.7 EC2.8 "
    "EC2.9 EC2.10 EC2.15 EC2.16 EC2.17 EC2.18 EC2.19 EC2.20 EC2.21 EC2.23 EC2.24 EC2.25 EC2.51 EC2.55 EC2.56 "
    "EC2.57 EC2.58 EC2.60 EC2.170 EC2.171 EC2.172 EC2.173 EC2.180 EC2.181 EC2.182 EC2.183 IAM.1 IAM.2 IAM.3 IAM.4 "
    "IAM.5 IAM.6 IAM.7 IAM.8 IAM.21 KMS.1 KMS.2 KMS.3 KMS.5 Macie.1 Macie.2 S3.1 S3.2 S3.3 S3.5 S3.6 S3.8 S3.9 "
    "S3.12 S3.13 S3.19 S3.24 S3.25 SSM.1 SSM.2 SSM.3 SSM.4 SSM.6 SSM.7"
)
_CIS_3_IDS = (
    *_number("1", 22),
    *_number("2.1", 4),
    *_number("2.2", 1),
    *_number("2.3", 3),
    *_number("2.4", 1),
    *_number("3", 9),
    *_number("4", 16),
    *_number("5", 6),
)
_CIS_5_IDS = (
    *_number("1", 21),
    *_number("2.1", 4),
    *_number("2.2", 4),
    *_number("2.3", 1),
    *_number("3", 9),
    *_number("4", 16),
    *_number("5.1", 2),
    *_number("5", 7, first=2),
)
# The ids in the lines "Related requirements" of Security Hub's controls that the product's controls are equivalent to.
_PCI_IDS = _split("1.4.4 2.2.6 3.5.1 3.7.4 4.2.1 8.2.6 8.3.6 8.3.7 8.3.9 8.3.10.1 8.4.2 8.6.3 10.2.1 10.3.2 10.5.1")
_NIST_IDS = _split(
    "AC-2 AC-2(1) AC-2(3) AC-2(4) AC-3 AC-3(7) AC-3(15) AC-4 AC-4(21) AC-4(26) AC-5 AC-6 AC-6(2) AC-6(3) AC-6(9) "
    "AC-6(10) AC-17(2) AC-21 AU-2 AU-3 AU-6(1) AU-6(3) AU-6(4) AU-6(5) AU-7(1) AU-9 AU-9(2) AU-10 AU-12 AU-14(1) "
    "CA-7 CA-9(1) CM-2 CM-2(2) CM-3(6) CM-8 CM-8(1) CM-8(2) CM-8(3) CP-6 CP-6(1) CP-6(2) CP-9 CP-10 IA-2(1) IA-2(2) "
    "IA-2(6) IA-2(8) IA-5(1) RA-5 SA-3 SA-8(19) SA-8(22) SA-15(2) SA-15(8) SC-5(2) SC-7 SC-7(3) SC-7(4) SC-7(9) "
    "SC-7(10) SC-7(11) SC-7(16) SC-7(20) SC-7(21) SC-8 SC-8(1) SC-8(2) SC-12 SC-12(2) SC-12(3) SC-13 SC-23 SC-23(3) "
    "SC-28 SC-28(1) SC-28(3) SI-2(3) SI-3(8) SI-4 SI-4(5) SI-4(20) SI-7(1) SI-7(3) SI-7(6) SI-7(7) SI-7(8) SI-12 "
    "SI-13(5) SI-20"
)

EDITIONS: dict[str, FrameworkEdition] = {
    edition.name: edition
    for edition in (
        FrameworkEdition(
            FSBP,
            "AWS Foundational Security Best Practices",
            "1.0.0",
            (f"{_SECURITY_HUB}fsbp-standard.html",),
            _FSBP_IDS,
        ),
        FrameworkEdition(
            CIS_3,
            "CIS Amazon Web Services Foundations Benchmark",
            "3.0.0",
            (_CIS_PAGE, f"{_PROWLER}cis_3.0_aws.json"),
            _CIS_3_IDS,
        ),
        FrameworkEdition(
            CIS_5,
            "CIS Amazon Web Services Foundations Benchmark",
            "5.0.0",
            (_CIS_PAGE, f"{_PROWLER}cis_5.0_aws.json"),
            _CIS_5_IDS,
        ),
        FrameworkEdition(
            PCI,
            "Payment Card Industry Data Security Standard",
            "4.0.1",
            (f"{_SECURITY_HUB}pci-standard.html", _CONTROLS_PAGE),
            _PCI_IDS,
            own_ids=("A3.2.5.1",),
        ),
        FrameworkEdition(
            NIST,
            "NIST Special Publication 800-53",
            "Revision 5",
            (f"{_SECURITY_HUB}standards-reference-nist-800-53.html", _CONTROLS_PAGE),
            _NIST_IDS,
            own_ids=("AU-9(3)", "IA-5(7)"),
        ),
    )
}
