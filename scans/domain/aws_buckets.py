"""Names the buckets in which AWS itself publishes templates, scripts, agents and patch data. Pure.

Only exact names count: a name that merely begins or ends like one of these may be anyone's. Sources:
https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html (buckets of SSM Agent),
https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-operations-s3-buckets.html (patching, read in 2026),
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-sample-templates.html (sample templates),
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/download-cloudwatch-agent-commandline.html,
https://docs.aws.amazon.com/codedeploy/latest/userguide/resource-kit.html (CodeDeploy agent),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2launch-v2-install.html (software for Windows instances),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/aws-nvme-drivers.html (drivers for Windows),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Linux-Server-EC2Rescue.html (EC2Rescue for Linux),
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html (StackSets),
https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html,
https://docs.aws.amazon.com/solutions/latest/instance-scheduler-on-aws/deployment.html (AWS Solutions),
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/install-nvidia-driver.html and install-amd-driver.html (GPU drivers),
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-install.html (ECS agent),
https://docs.aws.amazon.com/eks/latest/userguide/install-kubectl.html (kubectl),
https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html (X-Ray daemon),
https://docs.aws.amazon.com/cli/v1/userguide/install-windows.html (AWS CLI, version 1),
https://docs.aws.amazon.com/inspector/v1/userguide/inspector_installing-uninstalling-agents.html (Inspector Classic),
https://docs.aws.amazon.com/guardduty/latest/ug/installing-gdu-security-agent-ec2-manually.html (GuardDuty agent).
"""

from __future__ import annotations

OLD_REGIONS = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ca-central-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-south-1",
    "sa-east-1",
]
NEW_REGIONS = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "cn-northwest-1",
]
REGIONS = (*OLD_REGIONS, *NEW_REGIONS)
REGIONAL_NAMES = (
    "aws-ssm-{}",
    "amazon-ssm-{}",
    "amazon-ssm-packages-{}",
    "aws-windows-downloads-{}",
    "aws-ssm-distributor-file-{}",
    "aws-ssm-document-attachments-{}",
    "{}-birdwatcher-prod",
    "patch-baseline-snapshot-{}",
    "amazoncloudwatch-agent-{}",
    "aws-codedeploy-{}",
    "amazon-ecs-agent-{}",
    "aws-xray-assets.{}",
    "aws-agent.{}",
)
# Sample templates were published in the regions of that time only.
TEMPLATE_REGIONS = (*OLD_REGIONS, "us-gov-west-1", "cn-north-1")
# Patching buckets end in a suffix of their own in each region.
PATCHING_SUFFIXES = [
    "us-east-2-552881074",
    "us-east-1-1970c647d",
    "us-west-1-8badb4304",
    "us-west-2-34d7f99f8",
    "af-south-1-bdd5f65a9",
    "ap-east-1-632356271",
    "ap-south-2-32f4b4128",
    "ap-southeast-3-aa48fc462",
    "ap-southeast-4-01e2c40d3",
    "ap-south-1-cb7c62ff9",
    "ap-northeast-3-67373598a",
    "ap-northeast-2-10467995c",
    "ap-southeast-1-7fdfd9ef7",
    "ap-southeast-2-17283a275",
    "ap-northeast-1-4849fa78f",
    "ca-central-1-3148e69e3",
    "ca-west-1-9e3a4b2f9",
    "eu-central-1-9163fdaaf",
    "eu-west-1-5522fb710",
    "eu-west-2-902a2bc74",
    "eu-south-1-c52f3f594",
    "eu-west-3-29bf85721",
    "eu-south-2-a4cf248b1",
    "eu-north-1-795879e9b",
    "eu-central-2-184ce43c8",
    "il-central-1-e221cb57b",
    "me-south-1-a53fc9dce",
    "me-central-1-2932f2f80",
    "sa-east-1-ddf4b6a09",
]
SNAPSHOT_SUFFIXES = [
    "af-south-1-tbxdb5b9",
    "ap-south-2-50209442",
    "ap-southeast-3-be0a3174",
    "ap-southeast-4-dc6f76ce",
    "eu-south-2-df2c9d70",
    "me-south-1-uduvl7q8",
]
SINGLE_NAMES = (
    "amazon-eks",
    "aws-cli",
    "ec2-amd-linux-drivers",
    "ec2-amd-windows-drivers",
    "ec2-linux-nvidia-drivers",
    "ec2-windows-nvidia-drivers",
    "nvidia-gaming",
    # GuardDuty's agent is published by another account in each region; these are the ones that we know.
    "307168627858-us-east-2-guardduty-agent-rpm-artifacts",
    "593207742271-us-east-1-guardduty-agent-rpm-artifacts",
    "694911143906-eu-west-1-guardduty-agent-rpm-artifacts",
    "733349766148-us-west-2-guardduty-agent-rpm-artifacts",
    "aws-quickstart",
    "awsiammedia",
    "amazoncloudwatch-agent",
    "cloudformation-examples",
    "cloudformation-stackset-sample-templates-us-east-1",
    "ec2-downloads-windows",
    "ec2-windows-drivers-downloads",
    "ec2-windows-drivers-downloads-cn",
    "ec2rescuelinux",
    "amazon-ec2launch-v2",
    "amazon-ec2launch-v2-utils",
    "session-manager-downloads",
    "solutions-reference",
)
AWS_BUCKETS = frozenset(
    [
        *SINGLE_NAMES,
        *(name.format(region) for name in REGIONAL_NAMES for region in REGIONS),
        *(f"cloudformation-templates-{region}" for region in TEMPLATE_REGIONS),
        *(f"aws-patch-manager-{suffix}" for suffix in PATCHING_SUFFIXES),
        *(f"aws-patchmanager-macos-{suffix}" for suffix in PATCHING_SUFFIXES),
        *(f"patch-baseline-snapshot-{suffix}" for suffix in SNAPSHOT_SUFFIXES),
    ]
)


def is_aws_bucket(name: str) -> bool:
    """Whether AWS publishes in this bucket, by its exact name."""
    return name in AWS_BUCKETS
