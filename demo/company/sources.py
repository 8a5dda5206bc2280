"""What Systems Manager fetches from buckets, and what Explorer exports: every kind that isn't plain output."""

from __future__ import annotations

from demo.company import documents, runs
from demo.company.builder import Place


def all_kinds(place: Place, bucket: str) -> None:
    """One thing of each kind, all from or to the same bucket."""
    documents.package(place, f"{place.account.name.title()}-Agent", bucket)
    lists = {"Operation": ["Install"], "InstallOverrideList": [f"https://{bucket}.s3.amazonaws.com/lists/june.yaml"]}
    runs.command(place, "AWS-RunPatchBaseline", parameters=lists, points=((bucket, "04"),))
    script = {"SourceType": ["S3"], "SourceInfo": runs.s3_source(bucket, "scripts/turn.sh")["sourceInfo"]}
    runs.command(place, "AWS-RunRemoteScript", parameters=script, points=((bucket, "05"),))
    profile = runs.s3_source(bucket, "profiles/linux.zip")
    runs.association(place, "inspec", "AWS-RunInspecChecks", parameters=profile, points=((bucket, "06"),))
    # What Explorer reports is OpsData.
    reports = ((bucket, "09"), (bucket, "10"))
    runs.automation(place, "AWS-ExportOpsDataToS3", {"s3BucketName": [bucket]}, points=reports)
    template = {"StackName": ["base"], "TemplateURL": [f"https://{bucket}.s3.amazonaws.com/base.yaml"]}
    runs.automation(place, "AWS-CreateCloudFormationStack", template, points=((bucket, "11"),))
    document = runs.s3_source(bucket, "documents/patch.json")
    runs.command(place, "AWS-RunDocument", parameters=document, points=((bucket, "14"),))
