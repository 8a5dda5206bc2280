"""What moto lacks or gets wrong, by service; each module's HANDLERS maps "service.Operation" to its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demo.cloud.protocol import Request, Response

Handler = Callable[[Request], dict[str, Any] | Response]


def handlers() -> dict[str, Handler]:
    from demo.cloud.handlers import (
        account,
        cloudtrail,
        ec2,
        ec2_network,
        iam,
        kms,
        logs,
        macie,
        organizations,
        ram,
        s3,
        ssm,
        ssm_runs,
        ssm_writes,
        tagging,
    )

    modules = (
        account, cloudtrail, ec2, ec2_network, iam, kms, logs, macie, organizations, ram, s3, ssm, ssm_runs, ssm_writes, tagging,
    )  # fmt: skip
    return {api: handler for module in modules for api, handler in module.HANDLERS.items()}
