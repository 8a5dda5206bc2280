"""Says which ids of frameworks a control answers for, from AWS's mapping of its Security Hub controls. Pure.

Facts of the lines "Related requirements" of AWS's pages, read on the date in scans.domain.framework_editions:
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping

from scans.domain.framework_editions import CIS_3, CIS_5, EDITIONS, FSBP, NIST, PCI, make_natural_sort_key

_EXPOSURE = "AC-3 AC-3(7) AC-4 AC-4(21) AC-6 AC-21 SC-7 SC-7(3) SC-7(4) SC-7(9) SC-7(11) SC-7(16) SC-7(20) SC-7(21)"
_MFA = "AC-2(1) AC-3(15) IA-2(1) IA-2(2) IA-2(6) IA-2(8)"
_ENCRYPTION = "CA-9(1) CM-3(6) SC-7(10) SC-13 SC-28 SC-28(1) SI-7(6)"
_DECRYPTION = "AC-2 AC-2(1) AC-3 AC-3(7) AC-3(15) AC-5 AC-6 AC-6(3)"
_ADMINISTRATION = "AC-2 AC-2(1) AC-3 AC-3(7) AC-3(15) AC-5 AC-6 AC-6(2) AC-6(3) AC-6(10)"
_DISCOVERY = "CA-7 CA-9(1) RA-5 SA-8(19) SI-4"

# Security Hub's control -> framework -> ids, separated by spaces. Whether a control is in FSBP stands in EDITIONS.
# AWS's page relates CIS 5.0's 3.4 to CloudTrail.5, but its list of that benchmark has CloudTrail.7, which 3.4 is about.
RELATED: dict[str, dict[str, str]] = {
    "CloudTrail.1": {
        CIS_3: "3.1",
        CIS_5: "3.1",
        NIST: (
            "AC-2(4) AC-4(26) AC-6(9) AU-2 AU-3 AU-6(3) AU-6(4) AU-10 AU-12 AU-14(1) CA-7 SA-8(22) SC-7(9) SI-3(8) "
            "SI-4(20) SI-7(8)"
        ),
    },
    "CloudTrail.2": {
        CIS_3: "3.5",
        CIS_5: "3.5",
        PCI: "10.3.2",
        NIST: "AU-9 CA-9(1) CM-3(6) SC-7(10) SC-13 SC-28 SC-28(1) SI-7(6)",
    },
    "CloudTrail.3": {PCI: "10.2.1"},
    "CloudTrail.4": {CIS_3: "3.2", CIS_5: "3.2", PCI: "10.3.2", NIST: "AU-9 SI-4 SI-7(1) SI-7(3) SI-7(7)"},
    "CloudTrail.5": {
        NIST: (
            "AC-2(4) AC-4(26) AC-6(9) AU-2 AU-3 AU-6(1) AU-6(3) AU-6(4) AU-6(5) AU-7(1) AU-10 AU-12 CA-7 SC-7(9) "
            "SI-3(8) SI-4(5) SI-4(20) SI-7(8) SI-20"
        )
    },
    "CloudTrail.7": {CIS_3: "3.4", PCI: "10.2.1"},
    "EC2.1": {NIST: _EXPOSURE},
    "EC2.3": {NIST: _ENCRYPTION},
    "EC2.7": {CIS_3: "2.2.1", CIS_5: "5.1.1", NIST: _ENCRYPTION},
    "EC2.8": {CIS_3: "5.6", CIS_5: "5.7", PCI: "2.2.6", NIST: "AC-3 AC-3(7) AC-3(15) AC-6"},
    "EC2.57": {NIST: "AC-3 AC-3(7) AC-4 AC-4(21) AC-6 AC-21 SC-7 SC-7(3) SC-7(4) SC-7(11) SC-7(16) SC-7(20) SC-7(21)"},
    "EC2.182": {},
    "IAM.1": {NIST: _ADMINISTRATION},
    "IAM.2": {CIS_3: "1.15", CIS_5: "1.14", NIST: "AC-2 AC-2(1) AC-3 AC-3(7) AC-3(15) AC-6 AC-6(3)"},
    "IAM.3": {CIS_3: "1.14", CIS_5: "1.13", PCI: "8.3.9 8.6.3", NIST: "AC-2(1) AC-2(3) AC-3(15)"},
    "IAM.4": {CIS_3: "1.4", CIS_5: "1.3", NIST: "AC-2(1) AC-3(7) AC-3(15) AC-6 AC-6(2) AC-6(10)"},
    "IAM.5": {CIS_3: "1.10", CIS_5: "1.9", PCI: "8.4.2", NIST: _MFA},
    "IAM.6": {CIS_3: "1.6", CIS_5: "1.5", PCI: "8.4.2", NIST: _MFA},
    "IAM.7": {PCI: "8.3.6 8.3.7 8.3.9 8.3.10.1 8.6.3", NIST: "AC-2(1) AC-2(3) AC-3(15) IA-5(1)"},
    "IAM.8": {PCI: "8.2.6", NIST: "AC-2 AC-2(1) AC-2(3) AC-3 AC-3(7) AC-3(15) AC-6"},
    "IAM.9": {CIS_3: "1.5", CIS_5: "1.4", PCI: "8.4.2", NIST: _MFA},
    "IAM.15": {CIS_3: "1.8", CIS_5: "1.7"},
    "IAM.16": {CIS_3: "1.9", CIS_5: "1.8", PCI: "8.3.7"},
    "IAM.21": {NIST: _ADMINISTRATION},
    "IAM.22": {CIS_3: "1.12", CIS_5: "1.11"},
    "KMS.1": {NIST: _DECRYPTION},
    "KMS.2": {NIST: _DECRYPTION},
    "KMS.3": {NIST: "SC-12 SC-12(2)"},
    "KMS.4": {CIS_3: "3.6", CIS_5: "3.6", PCI: "3.7.4", NIST: "SC-12 SC-12(2) SC-28(3)"},
    "KMS.5": {},
    "Macie.1": {NIST: _DISCOVERY},
    "Macie.2": {NIST: _DISCOVERY},
    "S3.1": {CIS_3: "2.1.4", CIS_5: "2.1.4", PCI: "1.4.4", NIST: _EXPOSURE},
    "S3.2": {NIST: _EXPOSURE},
    "S3.3": {NIST: _EXPOSURE},
    "S3.5": {
        CIS_3: "2.1.1",
        CIS_5: "2.1.1",
        PCI: "4.2.1",
        NIST: "AC-4 AC-17(2) IA-5(1) SC-7(4) SC-8 SC-8(1) SC-8(2) SC-12(3) SC-13 SC-23 SC-23(3) SI-7(6)",
    },
    "S3.6": {NIST: "CA-9(1) CM-2"},
    "S3.8": {CIS_3: "2.1.4", CIS_5: "2.1.4", PCI: "1.4.4", NIST: _EXPOSURE},
    "S3.9": {
        PCI: "10.2.1",
        NIST: ("AC-2(4) AC-4(26) AC-6(9) AU-2 AU-3 AU-6(3) AU-6(4) AU-10 AU-12 CA-7 SC-7(9) SI-3(8) SI-4(20) SI-7(8)"),
    },
    "S3.12": {NIST: "AC-2(1) AC-3 AC-3(7) AC-3(15) AC-6"},
    "S3.14": {NIST: "AU-9(2) CP-6 CP-6(1) CP-6(2) CP-9 CP-10 SC-5(2) SI-12 SI-13(5)"},
    "S3.15": {PCI: "10.5.1", NIST: "CP-6(2)"},
    "S3.17": {PCI: "3.5.1", NIST: "AU-9 CA-9(1) CM-3(6) SC-7(10) SC-12(2) SC-13 SC-28 SC-28(1) SI-7(6)"},
    "S3.19": {PCI: "1.4.4", NIST: _EXPOSURE},
    "S3.22": {CIS_3: "3.8", CIS_5: "3.8", PCI: "10.2.1"},
    "S3.23": {CIS_3: "3.9", CIS_5: "3.9", PCI: "10.2.1"},
    "SSM.1": {NIST: "CA-9(1) CM-2 CM-2(2) CM-8 CM-8(1) CM-8(2) CM-8(3) SA-3 SA-15(2) SA-15(8) SI-2(3)"},
    "SSM.4": {NIST: _EXPOSURE},
    "SSM.6": {},
    "SSM.7": {},
}


def map_requirements(*equivalents: str, own: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, tuple[str, ...]]:
    """Framework -> ids of a control. equivalents: the Security Hub controls that ask for the same.

    own: ids that AWS's pages don't relate to those; we mapped them by their titles."""
    found: dict[str, set[str]] = {name: set((own or {}).get(name, ())) for name in EDITIONS}
    for control in equivalents:
        found[FSBP] |= {control} & EDITIONS[FSBP].all_ids
        for name, ids in RELATED[control].items():
            found[name] |= set(ids.split())
    return {name: tuple(sorted(ids, key=make_natural_sort_key)) for name, ids in found.items() if ids}
