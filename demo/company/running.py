"""A company that is being served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.company import plan as planning
from demo.company import truth
from demo.company.constants import (
    ACCESS_KEY,
    EXTERNAL_ID,
    FIPS_REGIONS,
    ROLE_NAME,
    SECRET_KEY,
    TLS13_REGIONS,
    VALUE_ROLE_NAME,
)
from demo.company.model import Plan

if TYPE_CHECKING:
    from demo.cloud.server import Server


@dataclass(slots=True)
class Running:
    """Use it in a with statement, or call stop()."""

    plan: Plan
    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def env(self) -> dict[str, str]:
        """What points a scan at it. The hub's credentials are those of the management account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": self.plan.regions[0],
            "TUTELA_SCAN_ROLE": ROLE_NAME,
            "TUTELA_EXTERNAL_ID": EXTERNAL_ID,
            "TUTELA_VALUE_ROLE": VALUE_ROLE_NAME,
            "TUTELA_FIPS_REGIONS": ",".join(FIPS_REGIONS),
            "TUTELA_TLS13_REGIONS": ",".join(TLS13_REGIONS),
            "TUTELA_REGIONS": ",".join((*self.plan.regions, *self.plan.opt_in)),
        }

    def delay(self, seconds: float) -> None:
        """Add this latency to each call."""
        self.server.front.faults.latency = seconds

    def truth(self) -> list[truth.Line]:
        return truth.expected(self.plan)

    def write_truth(self, path: str) -> None:
        truth.write(self.plan, path)

    def stop(self) -> None:
        self.server.stop()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    seed: int = 7,
    accounts: int = 14,
    regions: int = 3,
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    shape: str = "company",
) -> Running:
    """Plan a company, put it into moto (one a process: it replaces what was there) and serve it."""
    plan = planning.make(seed, accounts, regions, shape)
    from demo.cloud.server import serve as serve_cloud
    from demo.company.seed import seed as fill

    server = serve_cloud(port=port, host=host)  # first, so that a port that is taken is told at once
    try:
        fill(plan)
    except BaseException:
        server.stop()
        raise
    return Running(plan, server)
