"""What a scan of the make-believe company needs to know. None of it opens anything real."""

from __future__ import annotations

PARTITION = "aws"
ACCESS_KEY = "AKIATUTELADEMOHUB001"
SECRET_KEY = "demo/only/not/a/secret/0000000000000000"
EXTERNAL_ID = "tutela-demo-external-id-0123456789abcdef"
ROLE_NAME = "TutelaScan"
HUB_USER = "tutela-hub"
POLICY_NAME = "TutelaScanRead"
VALUE_ROLE_NAME = "TutelaValues"
HOST_ROLE_NAME = "AWSSystemsManagerDefaultEC2InstanceManagementRole"
EXPORT_ROLE_NAME = "AmazonSSMExplorerExportRole"
BOUNDARY_NAME = "TutelaBoundary"
FIPS_REGIONS = ("us-east-1",)  # where this company must call through FIPS endpoints
TLS13_REGIONS = ("us-east-1",)  # where it requires TLS 1.3

# Regions in the order in which a company of R regions has them; the rest is opt-in.
REGIONS = (
    "eu-west-1",
    "us-east-1",
    "eu-central-1",
    "us-west-2",
    "ap-southeast-2",
    "ca-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "us-east-2",
    "eu-west-2",
    "ap-south-1",
    "sa-east-1",
    "eu-west-3",
    "ap-southeast-1",
    "us-west-1",
    "ap-northeast-2",
    "ap-northeast-3",
)
OPT_IN = ("mx-central-1", "eu-south-1", "ap-east-1")  # the first has neither ec2messages nor Macie

ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
HOST_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
READ_ONLY = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
NODE_CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
IAM_FULL = "arn:aws:iam::aws:policy/IAMFullAccess"
SERVICE_LINKED_POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonSSMServiceRolePolicy"
OUTSIDE = "990000000042"  # an account of nobody in the company

CONTROLS = (
    *(f"SSM-ID-{n:03d}" for n in range(1, 12)),
    *(f"SSM-AC-00{n}" for n in range(1, 9)),
    *(f"SSM-AU-00{n}" for n in range(1, 8)),
    *(f"SSM-DT-00{n}" for n in (1, 2)),
    *(f"SSM-PS-00{n}" for n in (1, 2, 3, 4, 5)),
    *(f"SSM-KM-00{n}" for n in (1, 2, 3)),
    *(f"SSM-EB-00{n}" for n in (1, 2, 3, 4)),
    *(f"SSM-S3-{n:03d}" for n in range(1, 12)),
    *(f"SSM-DS-001.{n:02d}" for n in range(1, 15)),
    *(f"SSM-LG-00{n}" for n in range(1, 6)),
    *(f"SSM-SM-00{n}" for n in (1, 2)),
    *(f"SSM-DC-00{n}" for n in (1, 2)),
    *(f"SSM-FF-00{n}" for n in (1, 2, 3, 4, 5)),
    *(f"SSM-MN-00{n}" for n in (1, 2, 3)),
    *(f"SSM-NT-00{n}" for n in (1, 2, 3)),
    *(f"SSM-VP-00{n}" for n in (1, 2, 3, 4)),
    "SSM-RD-001",
)
