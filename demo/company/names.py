"""Names: of units, accounts and the teams that own them."""

from __future__ import annotations

from dataclasses import dataclass

BASE_UNITS = ("Security", "Infrastructure", "Workloads", "Workloads/Prod", "Workloads/Prod/Payments", "Sandbox")
TEAMS = ("payments", "orders", "catalog", "platform", "data", "mobile", "search", "billing", "stores", "insight")


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    unit: str
    archetype: str
    team: str
    fate: str = ""  # suspended, roleless, guarded, quarantined, fenced (a region is denied) or bounded


# The default company. A smaller one is its beginning; a larger one adds repeated profiles.
FIRST = (
    Profile("management", "", "management", "platform"),
    Profile("log-archive", "Security", "archive", "security"),
    Profile("payments-prod", "Workloads/Prod/Payments", "healthy", "payments"),
    Profile("legacy-billing", "Workloads/Prod", "sloppy", "billing"),
    Profile("billing-prod", "Workloads/Prod", "average", "billing"),
    Profile("sandbox-guarded", "Sandbox", "guarded", "insight", "guarded"),
    Profile("retired-shop", "Sandbox", "sloppy", "stores", "suspended"),
    Profile("acquired-shop", "Sandbox", "average", "stores", "roleless"),
    Profile("catalog-prod", "Workloads/Prod", "heavy", "catalog", "bounded"),
    Profile("sandbox-fuzz", "Sandbox", "hostile", "security"),
    Profile("network-hub", "Infrastructure", "healthy", "platform"),
    Profile("security-audit", "Security", "empty", "security", "fenced"),
    Profile("orders-prod", "Workloads/Prod", "healthy", "orders"),
    Profile("sandbox-quarantine", "Sandbox", "empty", "mobile", "quarantined"),
)
MIX = ("healthy", "empty", "sloppy", "empty", "average", "heavy", "empty", "healthy", "empty", "sloppy")
STAGES = ("prod", "test", "dev", "stage")


def more(number: int) -> Profile:
    """The profile of account `number` beyond the first ones."""
    team, stage = TEAMS[number % len(TEAMS)], STAGES[number // len(TEAMS) % len(STAGES)]
    name = f"{team}-{stage}-{number:05d}"
    unit = f"Workloads/Prod/Team-{number // 25:03d}" if stage == "prod" else f"Workloads/Team-{number // 25:03d}"
    return Profile(name, unit, MIX[number % len(MIX)], team)
