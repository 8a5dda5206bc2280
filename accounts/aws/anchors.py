"""Keeps anchors of the audit trail in an S3 bucket, where Object Lock makes them undeletable."""

from __future__ import annotations

import json
import os

from botocore.exceptions import BotoCoreError, ClientError

from accounts.aws.session import client
from governance.audit.anchor import Anchor, AnchorWriteError, AnchorWriter


def make_bucket_writer(bucket: str) -> AnchorWriter:
    """A writer that stores each anchor as an object of its own, locked by the bucket's default retention.

    S3 requires a checksum on every object of a bucket with Object Lock.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"

    def keep(anchor: Anchor) -> None:
        name = f"tutela-audit/{anchor['at']}-{anchor['seq']:012d}.json"
        try:
            client("s3", region).put_object(
                Bucket=bucket,
                Key=name,
                Body=json.dumps(anchor).encode(),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
            )
        except (ClientError, BotoCoreError) as error:
            raise AnchorWriteError(f"The anchor could not be stored in the bucket {bucket}: {error}") from error

    return keep
