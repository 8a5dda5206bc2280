"""Lists the statements of the source document, S1 to S25, and which of them only AWS can attest. Pure.

The source is the page "Data protection in AWS Systems Manager" of the AWS Systems Manager user guide:
https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE_PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html"


@dataclass(frozen=True, slots=True)
class SourceStatement:
    """sentence: the document's own words. of_provider: it is part of AWS's responsibility, so only AWS can attest it.
    everywhere: it holds only if all other statements hold."""

    id: str
    title: str
    sentence: str
    of_provider: bool = False
    everywhere: bool = False


STATEMENTS: dict[str, SourceStatement] = {
    item.id: item
    for item in (
        SourceStatement(
            "S1",
            "Data is protected in transit and at rest",
            "Data protection refers to protecting data while in transit (as it travels to and from Systems Manager) and "
            "at rest (while it's stored in AWS data centers).",
            everywhere=True,
        ),
        SourceStatement(
            "S2",
            "Responsibility is shared",
            "AWS is responsible for protecting the global infrastructure that runs all of the AWS Cloud. You are "
            "responsible for maintaining control over your content that is hosted on this infrastructure.",
            of_provider=True,
        ),
        SourceStatement(
            "S3",
            "Account credentials are protected",
            "For data protection purposes, we recommend that you protect AWS account credentials …",
        ),
        SourceStatement(
            "S4",
            "People have users of their own",
            "… and set up individual user accounts with AWS Identity and Access Management (IAM).",
        ),
        SourceStatement(
            "S5",
            "Only the necessary permissions",
            "That way each user is given only the permissions necessary to fulfill their job duties.",
        ),
        SourceStatement(
            "S6", "Multi-factor authentication", "Use multi-factor authentication (MFA) with each account."
        ),
        SourceStatement(
            "S7", "TLS 1.2 or later", "Use SSL/TLS to communicate with AWS resources. We recommend TLS 1.2 or later."
        ),
        SourceStatement("S8", "CloudTrail logs activity", "Set up API and user activity logging with AWS CloudTrail."),
        SourceStatement(
            "S9",
            "Encryption and default controls",
            "Use AWS encryption solutions, along with all default security controls within AWS services.",
        ),
        SourceStatement(
            "S10",
            "Managed security services find personal data",
            "Use advanced managed security services such as Amazon Macie, which assists in discovering and securing "
            "personal data that is stored in Amazon S3.",
        ),
        SourceStatement(
            "S11",
            "FIPS endpoints where they are required",
            "If you require FIPS 140-2 validated cryptographic modules when accessing AWS through a command line "
            "interface or an API, use a FIPS endpoint.",
        ),
        SourceStatement(
            "S12",
            "Nothing sensitive in tags and names",
            "We strongly recommend that you never put confidential or sensitive information, such as your customers' "
            "email addresses, into tags or free-form fields such as a Name field.",
        ),
        SourceStatement(
            "S13",
            "Tags and names may reach logs",
            "Any data that you enter into tags or free-form fields used for names may be used for billing or diagnostic "
            "logs.",
        ),
        SourceStatement(
            "S14",
            "No credentials in URLs",
            "If you provide a URL to an external server, we strongly recommend that you do not include credentials "
            "information in the URL to validate your request to that server.",
        ),
        SourceStatement(
            "S15",
            "SecureString values lie under a KMS key",
            "To encrypt SecureString parameter values, Parameter Store uses an AWS KMS key in AWS Key Management Service "
            "(AWS KMS). AWS KMS uses either a customer managed key or an AWS managed key to encrypt the parameter value "
            "in an AWS managed database.",
        ),
        SourceStatement(
            "S16",
            "Nothing sensitive in plain parameters",
            "Don't store sensitive data in a String or StringList parameter. For all sensitive data that must remain "
            "encrypted, use only the SecureString parameter type.",
        ),
        SourceStatement(
            "S17",
            "Access to parameters is restricted",
            "For more information, see What is a parameter? and Restricting access to Systems Manager parameters using "
            "IAM policies.",
        ),
        SourceStatement(
            "S18",
            "Content in S3 buckets is protected",
            "As part of your Systems Manager operations, you might choose to upload or store data in one or more Amazon "
            "Simple Storage Service (Amazon S3) buckets.",
        ),
        SourceStatement(
            "S19",
            "Log groups are encrypted",
            "As part of your Systems Manager operations, you might choose to stream data to one or more Amazon "
            "CloudWatch Logs log groups.",
        ),
        SourceStatement(
            "S20",
            "TLS between clients and nodes",
            "We recommend that you use an encryption protocol such as Transport Layer Security (TLS) to encrypt sensitive "
            "data in transit between clients and your nodes.",
        ),
        SourceStatement(
            "S21",
            "API endpoints speak HTTPS only",
            "Systems Manager API endpoints only support secure connections over HTTPS.",
            of_provider=True,
        ),
        SourceStatement(
            "S22",
            "Traffic between instances is encrypted",
            "In addition, we automatically encrypt in-transit traffic between supported instances in the same virtual "
            "private cloud (VPC) or in peered VPCs, using AEAD algorithms with 256-bit encryption.",
        ),
        SourceStatement(
            "S23",
            "Sessions are encrypted with KMS",
            "You can also choose to further encrypt the data in transit using an AWS KMS key that has been created in AWS "
            "KMS.",
        ),
        SourceStatement(
            "S24",
            "Run Command uses TLS and signed requests",
            "By default, remote access to your nodes using Run Command is encrypted using TLS 1.2, and requests to create "
            "a connection are signed using SigV4.",
            of_provider=True,
        ),
        SourceStatement(
            "S25",
            "The VPC is the boundary",
            "You can use Amazon Virtual Private Cloud (Amazon VPC) to create boundaries between resources in your managed "
            "nodes and control traffic between them, your on-premises network, and the internet.",
        ),
    )
}
