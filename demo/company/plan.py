"""Plans a whole company from (seed, accounts, regions). Pure: no moto, no clock of its own."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from demo.company import documents, identity, landing, parameters, recipes, runs, watch
from demo.company.builder import Place
from demo.company.constants import EXTERNAL_ID, HUB_USER, OPT_IN, REGIONS
from demo.company.model import FAIL, GLOBAL, NOT_APPLICABLE, PASS, UNKNOWN, Account, Plan, Thing, Unit
from demo.company.names import BASE_UNITS, FIRST, TEAMS, Profile, more
from demo.company.tags import HTML, RIGHT_TO_LEFT

MAX_ACCOUNTS = 10_000
SHAPES = ("company", "bench", "landing-zone")
HOME = "us-east-1"
GOVERNED = 4  # regions of a landing zone; the others are denied
DENIED = ("iam:GetPolicyVersion", "kms:GetKeyPolicy", "ssm:DescribeParameters")
# What the permissions boundary of one account's scan role leaves out.
BOUNDED = ("ec2:GetEbsEncryptionByDefault",)
# In some companies the management account's scan role may not see whether trails are logging.
TRAILS_DENIED = ("cloudtrail:GetTrailStatus",)
# All but the list of activations, which tells nothing: so no region is denied as a whole.
MANAGER = tuple(
    f"ssm:{name}*"
    for name in ("DescribeAs", "DescribeAu", "DescribeAv", *(f"Describe{c}" for c in "BCDEIMOPS"), "Get", "List")
)
SERVICES = ("cloudtrail", "ec2", "iam", "kms", "logs", "macie2", "ram", "s3", "tag")  # that a scan reads


class SizeError(ValueError):
    """A company that can't be planned; the text says why."""


def make(
    seed: int = 7, accounts: int = 14, regions: int = 3, shape: str = "company", now: datetime | None = None
) -> Plan:
    """The same arguments (and the same day, from which ages are counted) give the same company."""
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise SizeError(f"accounts must be from 1 to {MAX_ACCOUNTS:,}, not {accounts}")
    if not 1 <= regions <= len(REGIONS):
        raise SizeError(f"regions must be from 1 to {len(REGIONS)}, not {regions}")
    if shape not in SHAPES:
        raise SizeError(f"shape must be one of {', '.join(SHAPES)}, not {shape}")
    rng = random.Random(f"tutela {seed} {shape}")
    today = (now or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    opt_in = OPT_IN[: max(0, regions - 2)] if shape == "company" else ()
    plan = Plan(
        seed=seed,
        shape=shape,
        organization="o-" + _word(rng, 10),
        root="r-" + _word(rng, 4),
        now=today.isoformat(),
        regions=REGIONS[:regions],
        opt_in=opt_in,
    )
    profiles = [_profile(number, shape) for number in range(accounts)]
    plan.units = _units(plan, profiles)
    plan.accounts = _accounts(plan, profiles)
    plan.foreign_buckets = (f"partner-uploads-{seed}-{plan.organization[2:8]}",)
    plan.published_buckets = ("cloudformation-templates-us-east-1",)
    _fill(plan, seed)
    return plan


def _profile(number: int, shape: str) -> Profile:
    if shape == "bench":
        return Profile(f"bench-{number:05d}", "Workloads" if number else "", "bench", "platform")
    if shape == "landing-zone" and number > 1:
        return Profile(f"{TEAMS[number % len(TEAMS)]}-{number:05d}", "Workloads/Prod", "healthy", "platform")
    return FIRST[number] if number < len(FIRST) else more(number)


def _word(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def _units(plan: Plan, profiles: list[Profile]) -> list[Unit]:
    wanted = list(dict.fromkeys([*BASE_UNITS, *(profile.unit for profile in profiles if profile.unit)]))
    return [Unit(f"ou-{plan.root[2:]}-{_word(random.Random(f'{plan.seed} {path}'), 8)}", path) for path in wanted]


def _accounts(plan: Plan, profiles: list[Profile]) -> list[Account]:
    """A stream of ids of its own, so that a company can grow without renaming what it had."""
    found, ids, rng = [], set[str](), random.Random(f"{plan.seed} accounts")
    for number, profile in enumerate(profiles):
        id = f"{rng.randrange(10**11, 9 * 10**11)}"
        while id in ids:
            id = f"{rng.randrange(10**11, 9 * 10**11)}"
        ids.add(id)
        account = Account(id, profile.name, profile.unit, profile.archetype)
        account.tags = {"owner": f"team-{profile.team}", "environment": profile.name.split("-")[-1]}
        if profile.archetype == "hostile":
            account.tags |= {"purpose": HTML, "note": RIGHT_TO_LEFT}
        account.regions = plan.regions
        if profile.fate == "suspended":
            account.status = "SUSPENDED"
        account.role = profile.fate != "roleless"
        account.denied = DENIED if profile.fate == "guarded" else ()
        account.bounded = BOUNDED if profile.fate == "bounded" else ()
        if profile.fate == "quarantined":
            account.quarantined = True
            account.denied = (*(f"{service}:*" for service in SERVICES), *MANAGER)
        if profile.fate == "fenced" and len(plan.regions) > 2:  # never the region of the global services
            account.denied_regions = plan.regions[-1:]
        if plan.shape == "landing-zone" and number:  # no such policy binds the management account
            account.denied_regions = plan.regions[GOVERNED:]
            if number % GOVERNED == GOVERNED - 1:  # some don't use the region of the global services either
                account.denied_regions = (HOME, *account.denied_regions)
        account.blocks_public_access = profile.archetype in ("healthy", "management", "archive", "heavy")
        if profile.archetype == "average" and not profile.fate:
            account.opted_in = plan.opt_in
        found.append(account)
    return found


def _fill(plan: Plan, seed: int) -> None:
    """The archive first: others send their logs to its buckets."""
    order = sorted(plan.accounts, key=lambda account: account.archetype != "archive")
    central: dict[str, str] = {}
    for account in order:
        _fill_account(plan, account, random.Random(f"{seed} {account.id}"), central)
        if account.archetype == "archive":
            central = {name: b.name for b in account.buckets for name in ("trail", "sessions") if f"-{name}-" in b.name}
    _administer_macie(plan)
    _trails(plan, central, random.Random(f"{seed} trails"))
    _foreign(plan, random.Random(f"{seed} foreign"))


def _administer_macie(plan: Plan) -> None:
    """The archive's account is the Macie administrator of the well-kept accounts."""
    administrators = [account.id for account in plan.accounts if account.archetype == "archive"]
    for account in plan.accounts:
        if account.archetype in ("healthy", "heavy") and administrators:
            account.macie_administrator = administrators[0]


def _fill_account(plan: Plan, account: Account, rng: random.Random, central: dict[str, str]) -> None:
    place = Place(plan, account, GLOBAL, rng)
    recipe = recipes.IDENTITIES.get(account.archetype)
    if recipe:
        recipe(place)
    else:
        identity.root(place, mfa=rng.choice(("none", "removed", "virtual", "hardware")))
    if account is plan.management:
        identity.hub_user(place)
        features = place.plan.root_sessions
        place.add("expect", organization_arn(plan), {}, {"SSM-ID-010": PASS if features else FAIL})
    if account is plan.management and plan.seed % 11 == 9 and plan.shape == "company":
        account.denied = TRAILS_DENIED
    if account.role:
        identity.value_role(place, f"arn:aws:iam::{plan.management.id}:user/{HUB_USER}", EXTERNAL_ID)
        identity.scan_role(place, f"arn:aws:iam::{plan.management.id}:user/{HUB_USER}", EXTERNAL_ID)
    landing.settle(place)
    for index, region in enumerate((*account.regions, *account.opted_in)):
        regional = Place(plan, account, region, rng)
        book = recipes.FULL if index == 0 else recipes.ELSEWHERE
        book[account.archetype](regional, central.get("sessions", ""))
        _settle(regional)


def _settle(place: Place) -> None:
    """Session preferences: missing ones are judged too, and none is judged where no node is managed."""
    documents = [t for t in place.account.of("document") if t.region == place.region and "SSM-SM-001" in t.expects]
    if not any(thing.data["name"] == "SSM-SessionManagerRunShell" for thing in documents):
        arn = place.arn("ssm", "document/SSM-SessionManagerRunShell")
        verdict = FAIL if place.nodes else NOT_APPLICABLE
        place.add("expect", arn, {}, {"SSM-SM-001": verdict, "SSM-SM-002": verdict})
    if not place.nodes:
        for thing in documents:
            thing.expects |= {"SSM-SM-001": NOT_APPLICABLE, "SSM-SM-002": NOT_APPLICABLE}


def _trails(plan: Plan, central: dict[str, str], rng: random.Random) -> None:
    """One organization trail, which leaves KMS out, so accounts need a trail of their own to pass."""
    logging = plan.shape == "landing-zone" or (plan.shape == "company" and plan.seed % 5 != 4)
    verdict = UNKNOWN if plan.management.denied else PASS if logging else FAIL
    arn = organization_arn(plan)
    plan.management.things.append(Thing("expect", GLOBAL, arn, {}, {"SSM-AU-004": verdict}))
    if plan.shape == "bench":
        return
    home = plan.regions[0]
    place = Place(plan, plan.management, home, rng)
    bucket = central.get("trail") or place.bucket("trail").name
    watch.trail(
        place,
        "organization",
        bucket,
        key=place.good_key(),
        organization=True,
        logging=logging,
        selectors=[watch.ALL_EVENTS if plan.shape == "landing-zone" else watch.WITHOUT_KMS],
    )
    for account in plan.accounts:
        _own_trail(Place(plan, account, home, rng), bucket)


def _own_trail(place: Place, central: str) -> None:
    match place.account.archetype:
        case "healthy":
            group = place.arn("logs", "log-group:trail:*")
            watch.trail(place, "own", central, key=place.good_key(), log_group=group)
        case "heavy":
            watch.trail(
                place, "advanced", central, key=place.good_key(), selectors=[], advanced=[watch.ADVANCED, watch.OBJECTS]
            )
        case "average":
            watch.trail(place, "plain", place.bucket("plain-trail", policy="https").name, validated=False)
        case "sloppy":
            weak = place.bucket("old-trail", "sse-s3", "none", blocked=False)
            watch.trail(place, "stopped", weak.name, logging=False, validated=False)
            local = Place(place.plan, place.account, place.plan.regions[-1], place.rng)
            watch.trail(local, "local", weak.name, multi_region=False, validated=False)
        case _:
            pass


def organization_arn(plan: Plan) -> str:
    return f"arn:aws:organizations::{plan.management.id}:organization/{plan.organization}"


def _foreign(plan: Plan, rng: random.Random) -> None:
    """Some settings point at a bucket or key of a stranger, at a template of AWS, or at a bucket that a run names."""
    for account in plan.accounts:
        if account.archetype == "sloppy" and plan.shape == "company":
            place = Place(plan, account, plan.regions[0], rng)
            runs.association(place, "to-partner", bucket=plan.foreign_buckets[0])
            runs.published_template(place)
            documents.open_runbook(place)
            parameters.strangers_key(place)
