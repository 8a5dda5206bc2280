"""Where the things that each control judges live: what is said of a place that has none, or can't be read."""

from __future__ import annotations

KEY_CONTROLS = ("SSM-KM-001", "SSM-KM-002", "SSM-KM-003")
PARAMETER_CONTROLS = ("SSM-PS-001", "SSM-PS-002", "SSM-PS-003", "SSM-PS-004")
# Control -> service and the end of the ARN of the place.
PLACES = {
    **dict.fromkeys(("SSM-ID-001", "SSM-ID-002", "SSM-ID-003"), ("iam", "root")),
    **dict.fromkeys((f"SSM-ID-00{n}" for n in (4, 5, 6, 7, 8)), ("iam", "user/*")),
    "SSM-ID-009": ("iam", "password-policy"),
    **dict.fromkeys(("SSM-AC-001", "SSM-ID-011"), ("iam", "*")),
    **dict.fromkeys((f"SSM-AC-00{n}" for n in (2, 3, 4, 7, 8)), ("iam", "policy/*")),
    "SSM-AC-006": ("iam", "user/*"),
    "SSM-AC-005": ("ssm", "servicesetting/ssm/managed-instance/default-ec2-instance-management-role"),
    **dict.fromkeys(("SSM-AU-001", "SSM-AU-002", "SSM-AU-003", "SSM-AU-005"), ("cloudtrail", "trail/*")),
    **dict.fromkeys(("SSM-AU-004", "SSM-ID-010"), ("organizations", "organization/*")),
    **dict.fromkeys(("SSM-DT-001", "SSM-DT-002"), ("macie2", "session")),
    "SSM-PS-005": ("ssm", "parameter/*"),
    **dict.fromkeys(PARAMETER_CONTROLS, ("ssm", "parameter/*")),
    **dict.fromkeys(KEY_CONTROLS, ("kms", "key/*")),
    "SSM-S3-011": ("s3", "accesspoint/*"),
    "SSM-EB-001": ("ec2", "ebs-encryption-by-default"),
    "SSM-EB-002": ("ec2", "volume/*"),
    "SSM-EB-003": ("ec2", "snapshot/*"),
    "SSM-EB-004": ("ec2", "snapshot-block-public-access"),
    **dict.fromkeys(("SSM-MN-001", "SSM-MN-002"), ("ec2", "instance/*")),
    "SSM-MN-003": ("ec2", "instance-metadata-defaults"),
    **dict.fromkeys(("SSM-LG-001", "SSM-LG-002", "SSM-LG-003", "SSM-LG-004", "SSM-LG-005"), ("logs", "log-group:*")),
    **dict.fromkeys(("SSM-SM-001", "SSM-SM-002", "SSM-DC-002"), ("ssm", "document/*")),
    "SSM-DC-001": ("ssm", "servicesetting/ssm/documents/console/public-sharing-permission"),
    **dict.fromkeys(("SSM-FF-001", "SSM-FF-004"), ("tagging", "*")),
    **dict.fromkeys(("SSM-FF-002", "SSM-FF-003"), ("ssm", "*")),
    "SSM-FF-005": ("ec2", "*"),
    "SSM-NT-001": ("ec2", "instance/*"),
    "SSM-RD-001": ("account", "regions"),
    **dict.fromkeys(("SSM-NT-002", "SSM-NT-003"), ("cloudtrail", "lookup/ssm.amazonaws.com")),
    "SSM-VP-001": ("ec2", "vpc/*"),
    **dict.fromkeys(("SSM-VP-002", "SSM-VP-003", "SSM-VP-004"), ("ec2", "vpc-endpoint/*")),
}
