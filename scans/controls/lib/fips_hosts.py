"""Lists the hosts of Systems Manager's API that AWS publishes as FIPS endpoints. Pure.

The list is written out because a control may not read botocore's data; a test compares the two. botocore's own
rules would invent a name for every region. The dual-stack names are those of the general reference:
https://docs.aws.amazon.com/general/latest/gr/ssm.html
"""

from __future__ import annotations

import re

FIPS_HOSTS = {
    "ca-central-1": "ssm-fips.ca-central-1.amazonaws.com",
    "ca-west-1": "ssm-fips.ca-west-1.amazonaws.com",
    "us-east-1": "ssm-fips.us-east-1.amazonaws.com",
    "us-east-2": "ssm-fips.us-east-2.amazonaws.com",
    "us-gov-east-1": "ssm.us-gov-east-1.amazonaws.com",
    "us-gov-west-1": "ssm.us-gov-west-1.amazonaws.com",
    "us-west-1": "ssm-fips.us-west-1.amazonaws.com",
    "us-west-2": "ssm-fips.us-west-2.amazonaws.com",
}
# The dual-stack FIPS host of a region in FIPS_HOSTS.
DUAL_STACK_HOST = "ssm-fips.{}.api.aws"
# In GovCloud, the plain host is the FIPS endpoint, and so is one that says so. What the plain dual-stack host is, AWS
# doesn't publish.
GOVCLOUD = "us-gov-"
# A VPC endpoint's own name: vpce-0abc-1def.ssm-fips.us-east-1.vpce.amazonaws.com
VPC_ENDPOINT_HOST = re.compile(r"vpce-[a-z0-9-]+\.(?P<host>ssm(?:-fips)?\.[a-z0-9-]+)\.vpce\.(?P<suffix>.+)")


def find_fips_host(region: str) -> str | None:
    """The FIPS host of a region; None if AWS publishes none."""
    return FIPS_HOSTS.get(region)


def is_fips_host(host: str, region: str) -> bool | None:
    """Whether this host, as a client named it, is a FIPS endpoint of the region. None: AWS doesn't publish it."""
    if region not in FIPS_HOSTS:
        return False
    name = host.strip().lower().rstrip(".").partition(":")[0]
    private = VPC_ENDPOINT_HOST.fullmatch(name)
    if private:
        name = f"{private['host']}.{private['suffix']}"
    if region.startswith(GOVCLOUD):
        if name == f"ssm.{region}.api.aws":
            return None
        if name == f"ssm-fips.{region}.amazonaws.com":
            return True
    return name in (FIPS_HOSTS[region], DUAL_STACK_HOST.format(region))
