"""A company of one account in one region, small, which makes a scan call every API that is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from demo.cloud.server import serve
from demo.company import Running, documents, identity, network, parameters, plan, recipes, runs, watch
from demo.company.builder import Place
from demo.company.constants import ADMINISTRATOR_ACCESS, NODE_CORE, OUTSIDE
from demo.company.model import FAIL, Account

Recipe = Callable[..., None]


def fill(place: Place, _central: str = "") -> None:
    """A bit of everything, some of it sound, most of it not: an open Finding could be closed by mistake."""
    place.account.blocks_public_access = False  # so that each bucket's own block is asked for
    key = place.good_key("parameter")
    watch.disks(place, encrypted=False)
    watch.macie(place, "ENABLED")
    watch.events(place, *recipes.OLD_TLS)
    parameters.parameter(place, "/shop/db_password", secret_name=True)
    parameters.parameter(place, "/shop/signing", type="SecureString", key=key.arn)
    parameters.parameter(place, "/shop/receipts", type="SecureString", key=key.alias)
    # Named by its ARN, AWS's own key is told by the list of aliases and by its manager.
    managed = place.managed_key("ssm", "parameter").arn
    parameters.parameter(place, "/shop/tickets", type="SecureString", key=managed)
    fill_documents(place)
    fill_runs(place)
    doors = (
        network.Door("ssm"),
        network.Door("ec2messages", private_dns=False, reach="world"),
        network.Door("sts", limited=False),  # whether its endpoints take a policy, AWS must be asked
    )
    network.vpc(place, ("m5.large", "c5n.large"), doors)
    network.vpc(place, ("m5.large",), ())  # whether this node is alone, peering connections tell
    network.script(place, f"#!/bin/sh\n# {runs.SECRET_TEXT}\n", FAIL)
    network.template(place, "shop", (f"# {runs.SECRET_TEXT}\n", "uptime\n"), FAIL)


def fill_identity(place: Place) -> None:
    identity.root(place, keys=1)
    identity.user(place, "shared-admin", password=3, attached=(ADMINISTRATOR_ACCESS,))
    identity.user(place, "batch", keys=((400, 2),))
    identity.role(place, "node", attached=(NODE_CORE,))  # AWS has a newer version of this one than the copy


def fill_documents(place: Place) -> None:
    script = runs.group(place, "/shop/scripts", "SSM-LG-002", None)
    sessions = runs.group(place, "/shop/sessions", "SSM-LG-003", place.good_key("setting"))
    documents.settings(place, public=True, script_group=script)
    documents.command(place, "Shop-Deploy", shared=(OUTSIDE,), outside=True)
    documents.session(place, group=sessions, key=place.good_key(), bucket=place.bucket("sessions", "sse-s3", "none"))


def fill_runs(place: Place) -> None:
    outputs = place.bucket("output", "aws-kms", "https", blocked=False)
    runs.access_point(place, "open", outputs, blocked=False)
    output = outputs.name
    group = runs.group(place, "/aws/ssm/AWS-RunShellScript", "SSM-LG-001", None)
    runs.command(place, bucket=output, group=group, comment=runs.SECRET_TEXT)
    runs.association(place, "to-partner", bucket=place.plan.foreign_buckets[0])
    runs.association(place, "to-nowhere", bucket=f"gone-{place.account.id}")
    runs.data_sync(place, "inventory", output, key=place.good_key())
    runs.window_task(place, runs.window(place, "nightly", description=runs.SECRET_TEXT), bucket=output)
    template = {"TemplateURL": [f"https://{output}.s3.amazonaws.com/network.yaml"]}
    runs.automation(place, "AWS-CreateCloudFormationStack", template, points=((output, "11"),))
    runs.automation(place, "Shop-Loop", {}, steps=[{}] * 100 + [{"Comment": runs.SECRET_TEXT}], text=FAIL)
    runs.ops_item(place, "Reset", runs.SECRET_TEXT)
    runs.activation(place, runs.SECRET_TEXT)
    runs.baseline(place, "baseline", f"[main]\nbaseurl={runs.SECRET_URL}\n")
    watch.trail(place, "own", output, key=place.good_key(), validated=False)


@contextmanager
def served(region: Recipe = fill, account: Recipe = fill_identity) -> Iterator[Running]:
    with patch.dict(recipes.FULL, management=region), patch.dict(recipes.IDENTITIES, management=account):
        planned = plan.make(seed=7, accounts=1, regions=1)
    if region is not fill:
        forget_the_trail(planned.management)
    from demo.company.seed import seed

    with serve() as server:
        seed(planned)
        if region is fill:
            share_a_parameter(planned.management.id, planned.regions[0])
            hide_a_region(server.front.handlers)
        yield Running(planned, server)


def forget_the_trail(account: Account) -> None:
    """What the recipe doesn't name isn't there: no organization trail with its bucket and key."""
    named = {trail.data["bucket"] for trail in account.of("trail")}
    account.things = [thing for thing in account.things if thing.kind != "trail"]
    account.buckets = [bucket for bucket in account.buckets if bucket.name not in named]
    account.keys = [key for key in account.keys if key.alias != "alias/data"]


def share_a_parameter(account: str, region: str) -> None:
    from demo.cloud.state import extra

    arn = f"arn:aws:ssm:{region}:{account}:parameter/shop/signing"
    extra(account, region).shared_parameters[arn] = [OUTSIDE]


def hide_a_region(handlers: dict[str, object]) -> None:
    """S3's list leaves one bucket's region out, so it must be asked for."""
    listing = handlers["s3.ListBuckets"]

    def without(request: object) -> dict[str, object]:
        answer = listing(request)  # type: ignore[operator]
        answer["Buckets"][0].pop("BucketRegion", None)
        return answer  # type: ignore[no-any-return]

    handlers["s3.ListBuckets"] = without
