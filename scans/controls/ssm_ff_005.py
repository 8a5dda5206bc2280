"""User data of managed nodes and launch templates may hold no secret.

User data is a script that EC2 keeps in plain text. Every program on the instance can read it from the instance metadata, and
so can every principal that may describe the instance or the template. AWS advises against secrets in it.

**What is judged.** The user data of every managed node on EC2, and of every version of every launch template
in the region, with the version's description and the tags that it sets. Text that is compressed, in several parts, or
encoded once more is decoded. Detectors look for secrets, URLs with credentials among them. Addresses and other
personal data are no finding here. Only the location and the detector's name are kept, never the text.

**Not applicable** to a node without user data, and in a region without nodes and templates.

**Unknown** where it could not be read, or is neither text nor one of those forms. A scan reads up to 10,000 nodes
and 10,000 pages of versions in a region.

**Limits.** Detectors look for known patterns. What the script fetches when it runs is not read. Nodes that Systems
Manager doesn't manage, and launch configurations of EC2 Auto Scaling, are not looked at.

**Source of the facts.** EC2 API reference, DescribeInstanceAttribute, DescribeLaunchTemplates and
DescribeLaunchTemplateVersions:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)

CONTROL = Control(
    id="SSM-FF-005",
    file="ssm_ff_005",
    title="No secrets in user data",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    facts={"ec2.user_data": ("present", "secrets"), "ec2.launch_template": ("secrets",)},
    container="arn:{p}:ec2:{r}:{a}:*",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("IA-5(7)",)}),
    empty_reason="This region has no managed node with user data and no launch template.",
    remediation=Remediation(
        summary="Treat the secret as disclosed and rotate it. Let the script read the new one from a SecureString when it "
        "runs. User data of an instance can be changed only while the instance is stopped; of a template, make a new version "
        "and delete the versions that the finding names.",
        cli="aws ec2 stop-instances --instance-ids {name} --region {region}\n"
        "aws ec2 modify-instance-attribute --instance-id {name} --attribute userData --value file://user-data.b64 "
        "--region {region}\n"
        "aws ec2 start-instances --instance-ids {name} --region {region}\n"
        "aws ec2 create-launch-template-version --launch-template-id {name} --source-version VERSION "
        "--launch-template-data file://data.json --region {region}\n"
        "aws ec2 modify-launch-template --launch-template-id {name} --default-version NEW_VERSION --region {region}\n"
        "aws ec2 delete-launch-template-versions --launch-template-id {name} --versions OLD_VERSION --region {region}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.type == "ec2.user_data" and not resource["present"]:
        return None
    secrets = resource["secrets"]
    if secrets:
        found = sorted({f"{hit['field']} ({hit['detector']})" for hit in secrets})
        return failed(f"Looks secret: {', '.join(found)}.")
    return passed("Nothing in the user data looks secret.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, secrets=[]),)


HIT = {"field": "UserData[0]", "detector": "assigned_secret"}
NODE, TEMPLATE = "ec2.user_data", "ec2.launch_template"

CASES = [
    Case("a plain script", Verdict.PASS, {"present": True, "secrets": []}, type=NODE),
    Case(
        "a password", Verdict.FAIL, {"present": True, "secrets": [HIT]}, type=NODE, reason_has="UserData[0] (assigned"
    ),
    Case("no user data", None, {"present": False, "secrets": []}, type=NODE),
    Case("denied", Verdict.UNKNOWN, {"present": GAP, "secrets": GAP}, type=NODE),
    Case("neither text nor parts", Verdict.UNKNOWN, {"present": True, "secrets": GAP}, type=NODE),
    Case("a plain template", Verdict.PASS, {"secrets": []}, type=TEMPLATE),
    Case(
        "a password in an old version",
        Verdict.FAIL,
        {"secrets": [{**HIT, "field": "version 2: UserData[0]"}]},
        type=TEMPLATE,
        reason_has="version 2: UserData[0]",
    ),
    Case("a denied template", Verdict.UNKNOWN, {"secrets": GAP}, type=TEMPLATE),
]
