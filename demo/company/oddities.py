"""What AWS tells of real accounts and a tidy model leaves out: odd items among others, and members that are left out."""

from __future__ import annotations

from demo.company import identity, network, runs
from demo.company.builder import Place
from demo.company.model import GLOBAL, PASS, UNKNOWN


def all_kinds(place: Place) -> None:
    fenced_bucket(place)
    deleted_group(place)
    bare_runs(place)
    odd_network(place)
    if place.region == place.plan.regions[0]:
        exports = place.bucket("explorer").name
        identity.export_role(Place(place.plan, place.account, GLOBAL, place.rng), exports)


def fenced_bucket(place: Place) -> None:
    """A sound bucket whose policy a resource control policy hides."""
    bucket = place.bucket("perimeter")
    bucket.policy_denied = True
    for control in ("SSM-S3-002", "SSM-S3-003", "SSM-S3-006"):
        bucket.expects[control] = UNKNOWN if bucket.expects[control] == PASS else bucket.expects[control]
    runs.association(place, "to-perimeter", bucket=bucket.name)


def deleted_group(place: Place) -> None:
    """A command whose log group was deleted since: asked about together with those that exist."""
    runs.command(place, group="/billing/deleted-output")


def bare_runs(place: Place) -> None:
    """Runs without the members that AWS leaves out where there is nothing to say."""
    runs.association(place, "")
    runs.window_task(place, runs.window(place, "bare", description=""), bare=True)
    runs.activation(place, "")
    runs.baseline(place, "bare-baseline", description="")


def odd_network(place: Place) -> None:
    """An endpoint whose security group can't be seen, an ended instance, and a template with nothing to start with."""
    doors = (*network.GOOD, network.Door("sts", reach="gone"))
    vpc = network.vpc(place, ("c5n.large", "m5n.large"), doors)
    network.terminated(place, vpc)
    network.template(place, "bare", (None, "#!/bin/sh\nuptime\n"), PASS)
