"""What a right scan of the company must find: from the plan alone, without the product's code.

Each planned thing says what it should be judged (`expects`). Here stands only what no single thing
can know: which buckets are in scope, what lies in other accounts, what was refused, and the lines
about places: nothing there, or not readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo.cloud.regions import WITHOUT_MACIE
from demo.company.constants import CONTROLS, FIPS_REGIONS, TLS13_REGIONS
from demo.company.model import FAIL, GLOBAL, NOT_APPLICABLE, PASS, UNKNOWN, Account, Bucket, Key, Plan, Point, Thing
from demo.company.model import arn as make_arn
from demo.company.places import KEY_CONTROLS, PARAMETER_CONTROLS, PLACES
from demo.company.watch import is_complete, records_objects

Line = dict[str, str]
GLOBAL_GROUPS = ("ID", "AC", "AU", "DS")
BUCKET_CONTROLS = (*(f"SSM-S3-{n:03d}" for n in (1, 2, 3, 4, 6, 7, 8, 9, 10)), "SSM-AU-006", "SSM-AU-007")

# Controls whose calls AWS Control Tower's policy leaves out in the regions that it denies.
EXEMPT = ("SSM-NT-002", "SSM-NT-003")
# Settings of a region that a company decides once for an account.
DEFAULTS = ("SSM-EB-001", "SSM-EB-004", "SSM-DC-001", "SSM-MN-003", "SSM-AC-005")
PROTECTION = ("SSM-S3-001", "SSM-S3-002", "SSM-S3-004")
# Things that exist in every account or region, beside the place itself: service and the end of the ARN.
CERTAIN = {
    "SSM-ID-005": ("iam", "root"),
    "SSM-LG-002": ("ssm", "servicesetting/ssm/automation/customer-script-log-destination"),
    **dict.fromkeys(("SSM-SM-001", "SSM-SM-002"), ("ssm", "document/SSM-SessionManagerRunShell")),
}

# Controls that judge only the regions for which the company asks.
REQUIRED_IN = {"SSM-NT-002": FIPS_REGIONS, "SSM-NT-003": TLS13_REGIONS}


def expected(plan: Plan) -> list[Line]:
    """One line for each (control, account, region, resource), sorted."""
    readable = [account for account in plan.accounts if not account.unreadable]
    joined = _Joined(plan, readable)
    lines = [line for account in readable for line in _Account(plan, account, joined).lines()]
    return sorted(lines, key=lambda line: (line["account"], line["control"], line["region"], line["resource"]))


def unreadable(plan: Plan) -> dict[str, str]:
    """Accounts that yield no outcome, and why."""
    return {account.id: account.unreadable for account in plan.accounts if account.unreadable}


def write(plan: Plan, path: str) -> None:
    with Path(path).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in expected(plan))


def is_hidden(account: Account, thing: Thing) -> bool:
    """May the scan role not list it?"""
    return thing.kind == "parameter" and "ssm:DescribeParameters" in account.denied


def scanned(account: Account) -> list[str]:
    return [*account.regions, *account.opted_in]


class _Joined:
    """What all readable accounts tell together: who owns a bucket and who points at it."""

    def __init__(self, plan: Plan, readable: list[Account]) -> None:
        self.all_read = len(readable) == len(plan.accounts)
        self.owners = {bucket.name: account.id for account in readable for bucket in account.buckets}
        self.buckets = {bucket.name: bucket for account in readable for bucket in account.buckets}
        self.hidden = {b.name for account in plan.accounts if account.unreadable for b in account.buckets}
        self.points = {account.id: _pointed(account) for account in readable}
        self.sent: set[Point] = set().union(*map(_sent, readable))
        self.wanted = set().union(*self.points.values()) if self.points else set()

    def destination(self, name: str, plan: Plan) -> str:
        if name in self.owners:
            return PASS
        if name in plan.published_buckets:
            return NOT_APPLICABLE
        if name in plan.foreign_buckets or name in self.hidden:
            return UNKNOWN  # it exists, answers 403, and who owns it can't be told
        return FAIL

    def protection(self, name: str, plan: Plan) -> str:
        """Of a bucket that data goes to: there and ours, encrypted, over HTTPS only, not public."""
        reached = self.destination(name, plan)
        if reached != PASS:
            return reached
        verdicts = {self.buckets[name].expects[control] for control in PROTECTION}
        return FAIL if FAIL in verdicts else UNKNOWN if UNKNOWN in verdicts else PASS


def _pointed(account: Account) -> set[str]:
    """Its own settings and trails; what the organization's trail points at is the management account's."""
    return {name for thing in account.things for name, _ in thing.points}


def _sent(account: Account) -> set[Point]:
    """The same with the kinds of data."""
    return {point for thing in account.things for point in thing.points}


def visible_trails(plan: Plan, account: Account) -> list[Any]:
    """Its own trails, and the organization's, which appears in every account as a shadow."""
    shared = [thing for thing in plan.management.of("trail") if thing.data["organization"]]
    return [*account.of("trail"), *(thing for thing in shared if account is not plan.management)]


class _Account:
    def __init__(self, plan: Plan, account: Account, joined: _Joined) -> None:
        self.plan, self.account, self.joined = plan, account, joined
        self.buckets = [bucket for bucket in account.buckets if bucket.name in joined.wanted]

    def lines(self) -> Iterator[Line]:
        yield from self._blind() if self.account.quarantined else self._once(list(self._denied(list(self._seen()))))

    def _once(self, lines: list[Line]) -> Iterator[Line]:
        """The account's defaults are one decision: where they fail, in however many regions, there is one line."""
        failing = [line for line in lines if line["control"] in DEFAULTS and line["verdict"] == FAIL]
        yield from (line for line in lines if line not in failing)
        for control in dict.fromkeys(line["control"] for line in failing):
            yield self._line(control, GLOBAL, self._place(control, GLOBAL), FAIL)

    def _blind(self) -> Iterator[Line]:
        """Nothing can be read: every place is unknown, and so is each thing that surely exists. What the company
        doesn't ask for stays so. No region is denied as a whole, since one call is answered there."""
        lines = {}
        for control in CONTROLS:
            for region in self._places(control):
                if control == "SSM-RD-001":
                    yield self._line(control, region, self._region(region), PASS)
                    continue
                unasked = region not in REQUIRED_IN.get(control, (region,))
                for resource in {self._place(control, region), *self._certain(control, region)}:
                    verdict = NOT_APPLICABLE if unasked else UNKNOWN
                    lines[control, region, resource] = self._line(control, region, resource, verdict)
        yield from lines.values()

    def _region(self, region: str) -> str:
        return make_arn("account", "", self.account.id, f"region/{region}")

    def _denied(self, lines: list[Line]) -> Iterator[Line]:
        """Of a denied region only what its exempt calls tell is said, and that it is denied: once for the account.

        Whether data lies in the other regions is not known either, where nothing says so."""
        denied = self.account.denied_regions
        blind = {bucket.region for bucket in self.buckets}
        for line in lines:
            unsure = denied and line["control"] in ("SSM-DT-001", "SSM-DT-002") and line["region"] not in blind
            exempt = line["control"] in EXEMPT and line["verdict"] != UNKNOWN
            if not unsure and (line["region"] not in denied or exempt):
                yield line
        if len(denied) == 1:
            yield self._line("SSM-RD-001", denied[0], self._region(denied[0]), UNKNOWN)
        elif denied:
            yield self._line("SSM-RD-001", GLOBAL, self._place("SSM-RD-001", GLOBAL), UNKNOWN)

    def _certain(self, control: str, region: str) -> tuple[str, ...]:
        if control not in CERTAIN:
            return ()
        service, rest = CERTAIN[control]
        return (make_arn(service, "" if region == GLOBAL else region, self.account.id, rest),)

    def _seen(self) -> Iterator[Line]:
        subjects = [*self._things(), *self._keys(), *self._stored(), *self._watched()]
        yield from subjects
        seen = {(line["control"], line["region"]) for line in subjects}
        for control in CONTROLS:
            for region in self._places(control):
                if self._refused(control):
                    yield self._line(control, region, self._place(control, region), UNKNOWN)
                elif (control, region) not in seen:
                    yield self._line(control, region, self._place(control, region), NOT_APPLICABLE)

    def _line(self, control: str, region: str, resource: str, verdict: str) -> Line:
        return {
            "control": control,
            "account": self.account.id,
            "region": region,
            "resource": resource,
            "verdict": verdict,
        }

    def _things(self) -> Iterator[Line]:
        for thing in self.account.things:
            for control, verdict in thing.expects.items():
                if is_hidden(self.account, thing):
                    continue
                region = GLOBAL if _is_global(control) else thing.region
                yield self._line(control, region, thing.arn, verdict)

    def _keys(self) -> Iterator[Line]:
        for key in self.account.keys:
            if not self._is_named(key):
                continue
            for control, verdict in key.expects().items():
                hidden = control == "SSM-KM-003" and verdict != NOT_APPLICABLE
                refused = hidden and "kms:GetKeyPolicy" in self.account.denied
                yield self._line(control, key.region, key.arn, UNKNOWN if refused else verdict)

    def _is_named(self, key: Key) -> bool:
        hidden = {"parameter"} if "ssm:DescribeParameters" in self.account.denied else set[str]()
        return bool(key.uses - hidden)

    def _stored(self) -> Iterator[Line]:
        for bucket in self.buckets:
            for control, verdict in bucket.expects.items():
                yield self._line(control, bucket.region, bucket.arn, verdict)
            yield from self._recorded(bucket)
        for name in sorted(self.joined.points[self.account.id]):
            verdict = self.joined.destination(name, self.plan)
            yield self._line("SSM-S3-005", GLOBAL, f"arn:aws:s3:::{name}", verdict)
        for name, kind in sorted(_sent(self.account)):
            verdict = self.joined.protection(name, self.plan)
            yield self._line(f"SSM-DS-001.{kind}", GLOBAL, f"arn:aws:s3:::{name}", verdict)

    def _recorded(self, bucket: Bucket) -> Iterator[Line]:
        """A bucket has an access log, and is recorded by a trail unless it is a trail's. Logs are locked."""
        objects = any(records_objects(thing.data) for thing in visible_trails(self.plan, self.account))
        if (bucket.name, "07") in self.joined.sent:
            yield self._line("SSM-AU-006", bucket.region, bucket.arn, PASS if bucket.logged else FAIL)
            yield self._line("SSM-AU-007", bucket.region, bucket.arn, NOT_APPLICABLE)
        else:
            yield self._line("SSM-AU-007", bucket.region, bucket.arn, PASS if objects else FAIL)
        yield self._line("SSM-S3-009", bucket.region, bucket.arn, PASS if bucket.logged else FAIL)
        if {(bucket.name, "07"), (bucket.name, "08")} & self.joined.sent:
            yield self._line("SSM-S3-010", bucket.region, bucket.arn, PASS if bucket.lock else FAIL)

    def _watched(self) -> Iterator[Line]:
        complete = any(is_complete(thing.data) for thing in visible_trails(self.plan, self.account))
        arn = self._place("SSM-AU-001", GLOBAL)
        yield self._line("SSM-AU-001", GLOBAL, arn, PASS if complete else FAIL)
        exposed = {thing.region for thing in self.account.of("snapshots")}
        for region in set(scanned(self.account)) - exposed:
            yield self._line("SSM-EB-003", region, self._place("SSM-EB-003", region), PASS)
        for region in scanned(self.account):
            yield self._line("SSM-RD-001", region, self._region(region), PASS)
            status = self.account.macie.get(region, "DISABLED")
            on = PASS if status == "ENABLED" else FAIL
            covers = NOT_APPLICABLE if on == FAIL else PASS if region in self.account.discovers else FAIL
            held = any(bucket.region == region for bucket in self.buckets)
            if not held or region in WITHOUT_MACIE:
                on = covers = NOT_APPLICABLE
            yield self._line("SSM-DT-001", region, self._place("SSM-DT-001", region), on)
            yield self._line("SSM-DT-002", region, self._place("SSM-DT-002", region), covers)

    def _places(self, control: str) -> list[str]:
        if control in ("SSM-AU-004", "SSM-ID-010"):
            return [GLOBAL] if self.account is self.plan.management else []
        if _is_global(control):
            return [GLOBAL]
        if control in BUCKET_CONTROLS:
            return sorted({*scanned(self.account), *(bucket.region for bucket in self.buckets)})
        return scanned(self.account)

    def _place(self, control: str, region: str) -> str:
        if control not in PLACES and control.startswith(("SSM-AU", "SSM-S3", "SSM-DS")):
            return "arn:aws:s3:::*"
        service, rest = PLACES[control]
        return make_arn(service, "" if region == GLOBAL else region, self.account.id, rest)

    def _refused(self, control: str) -> bool:
        """Is the list of such things incomplete? Keys are found through parameters too."""
        listed = (*PARAMETER_CONTROLS, *KEY_CONTROLS, "SSM-FF-002", "SSM-FF-003")
        return "ssm:DescribeParameters" in self.account.denied and control in listed


def _is_global(control: str) -> bool:
    if control == "SSM-AC-005":
        return False
    if control in BUCKET_CONTROLS:
        return False
    return control.split("-")[1] in GLOBAL_GROUPS or control == "SSM-S3-005"
