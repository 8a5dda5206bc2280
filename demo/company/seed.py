"""Puts a plan into moto's backends, in process: no request is made, so 500 accounts take seconds."""

from __future__ import annotations

from moto.core.base_backend import BackendDict
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends

from demo.cloud import quiet  # noqa: F401 - before moto is imported: it sets moto's environment
from demo.company.model import Plan
from demo.company.seeding import beyond, identity, manager, network, organization, reports, storage


def seed(plan: Plan) -> None:
    """Replaces whatever moto held."""
    clear()
    organization.seed(plan)
    for account in plan.accounts:
        for part in (identity, storage, manager, network, reports):
            part.seed(plan, account)
    storage.foreign(plan)
    for account in plan.accounts:
        beyond.seed(plan, account)  # trails need their buckets, which may be another account's


def clear() -> None:
    BackendDict.reset()
    s3_backends.bucket_accounts.clear()
    organizations_backends.master_accounts.clear()
