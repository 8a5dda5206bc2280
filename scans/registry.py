"""Finds and verifies the controls and collectors, one file each."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from accounts.aws.calls import Call
from accounts.aws.session_policy import SESSION_LIMIT, render_session_policy
from scans import collectors as collectors_package
from scans import controls as controls_package
from scans.domain.collector import SCAN_ROLE, VALUE_ROLE, Collect, Collector
from scans.domain.control import Case, Control, Evaluate, FixFunction
from scans.domain.evidence import GLOBAL
from scans.domain.other_accounts import REFERENCES


class RegistryError(Exception):
    """A control or collector file that can't be used. The message names the file and the problem."""


@dataclass(frozen=True, slots=True)
class LoadedControl:
    control: Control
    doc: str
    evaluate: Evaluate
    cases: tuple[Case, ...]
    fix: FixFunction | None = None
    timed: bool = False  # whether the outcome depends on the day, which a file shows by using as_of


@dataclass(frozen=True, slots=True)
class LoadedCollector:
    collector: Collector
    collect: Collect


def iterate_modules(package: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if not found.ispkg:  # lib/ holds what the files share
            yield found.name, importlib.import_module(f"{package.__name__}.{found.name}")


def load_control(name: str, module: ModuleType) -> LoadedControl:
    parts = {part: getattr(module, part, None) for part in ("__doc__", "CONTROL", "evaluate", "CASES")}
    # An error here stops every command, so a defective control can't be left out silently.
    missing = [part for part, value in parts.items() if not value]
    if missing:
        raise RegistryError(f"scans/controls/{name}.py lacks {', '.join(missing)}")
    control: Control = module.CONTROL
    wanted = control.id.lower().replace("-", "_").replace(".", "_")
    if control.file != name or wanted != name:
        raise RegistryError(f"scans/controls/{name}.py declares {control.id} in {control.file}; it must be {wanted}")
    sourced = control.source.startswith("https://") if control.source else control.statements and control.quote
    if not sourced:
        raise RegistryError(
            f"scans/controls/{name}.py doesn't say where it comes from: give statements of the source document (S1 to S25) "
            "with its words in quote, or the https address of a source of its own in source"
        )
    unjudged = sorted(set(control.flow_steps) - set(control.facts))
    if unjudged:
        raise RegistryError(
            f"scans/controls/{name}.py grades data flows by {', '.join(unjudged)}: name in flow_steps only what facts names"
        )
    fix = getattr(module, "fix", None)
    if fix is not None and not callable(fix):
        raise RegistryError(f"scans/controls/{name}.py has a fix that is no function")
    return LoadedControl(
        control, str(module.__doc__).strip(), module.evaluate, tuple(module.CASES), fix, reads_time(module)
    )


def reads_time(module: ModuleType) -> bool:
    # Used to skip a comparison of unchanged evidence, so a wrong True costs time and a wrong False would hide a change.
    try:
        return "as_of" in inspect.getsource(module)
    except (OSError, TypeError):  # without the source, it may read the time
        return True


@cache
def controls() -> dict[str, LoadedControl]:
    """Every control by its public id, in the order of the ids."""
    loaded = [load_control(name, module) for name, module in iterate_modules(controls_package)]
    for item in loaded:
        for declared in (item.control.facts, item.control.related, item.control.others):
            for type, facts in declared.items():
                require_collected_facts(item.control.id, type, facts)
        require_known_others(item.control)
        if item.control.regrouped > item.control.version:
            raise RegistryError(
                f"{item.control.id} is regrouped since a version that it hasn't reached: correct CONTROL"
            )
    return {item.control.id: item for item in sorted(loaded, key=lambda c: c.control.id)}


def require_collected_facts(control: str, type: str, facts: tuple[str, ...]) -> None:
    """A fact that no collector yields is never known, and the control would be unknown for ever."""
    owner = collector_by_type().get(type)
    if owner is None:
        raise RegistryError(
            f"{control} judges {type}, which no collector yields: correct the type in CONTROL, or add a collector that "
            "declares it in COLLECTOR.facts"
        )
    known = collectors()[owner].collector.facts[type]
    missing = [f"{type}.{fact}" for fact in facts if fact not in known]
    if missing:
        raise RegistryError(
            f"{control} judges {', '.join(missing)}, which no collector yields: let scans/collectors/{owner}.py read it "
            f"and declare it in COLLECTOR.facts, or correct CONTROL. {type} has {', '.join(known)}"
        )


def require_known_others(control: Control) -> None:
    """Facts of other accounts are there only after every account was read, and of resources that something refers to."""
    if control.others and not control.needs_organization:
        raise RegistryError(f"{control.id} reads facts of other accounts: set needs_organization in CONTROL")
    if strange := sorted(control.others.keys() - REFERENCES.keys()):
        raise RegistryError(
            f"{control.id} reads {', '.join(strange)} of other accounts, which nothing refers to: say what does in "
            "scans/domain/other_accounts.py REFERENCES"
        )


@cache
def collectors() -> dict[str, LoadedCollector]:
    """Every collector by its name."""
    found: dict[str, LoadedCollector] = {}
    for name, module in iterate_modules(collectors_package):
        declared = getattr(module, "COLLECTOR", None)
        if not isinstance(declared, Collector) or not callable(getattr(module, "collect", None)):
            raise RegistryError(f"scans/collectors/{name}.py lacks COLLECTOR or collect")
        if declared.name != name:
            raise RegistryError(f"scans/collectors/{name}.py declares {declared.name}; the file name must be the name")
        require_one_session(declared)
        found[name] = LoadedCollector(declared, module.collect)
    return found


def require_one_session(declared: Collector) -> None:
    """A collector acts in one session, so its own actions must fit into one session policy."""
    size = len(render_session_policy(call.action for call in declared.calls))
    if size > SESSION_LIMIT:
        raise RegistryError(
            f"scans/collectors/{declared.name}.py declares actions for a session policy of {size} characters, and a session "
            f"takes {SESSION_LIMIT}: make two collectors of it"
        )


@cache
def collector_by_type() -> dict[str, str]:
    """Resource type -> the one collector that yields it."""
    owner: dict[str, str] = {}
    for name, item in collectors().items():
        for type in item.collector.types:
            if type in owner:
                raise RegistryError(f"{type} is yielded by {owner[type]} and by {name}")
            owner[type] = name
    return owner


def list_resource_types(collector: str) -> tuple[str, ...]:
    """The types that a collector yields; none for a collector that no longer exists."""
    found = collectors().get(collector)
    return found.collector.types if found else ()


@cache
def calls() -> tuple[Call, ...]:
    """Every API call that a scan may make as the scan role, sorted. That role's policy is generated from it."""
    from scans.domain.regions import REGION_CALLS

    return sort_calls({*REGION_CALLS, *find_calls_by_role(SCAN_ROLE)})


@cache
def value_calls() -> tuple[Call, ...]:
    """The same for the value role."""
    return sort_calls(find_calls_by_role(VALUE_ROLE))


def find_calls_by_role(role: str) -> set[Call]:
    found = [item.collector for item in collectors().values() if item.collector.role == role]
    return {call for collector in found for call in collector.calls}


def sort_calls(calls: set[Call]) -> tuple[Call, ...]:
    return tuple(sorted(calls, key=lambda call: (call.action, call.api)))


def find_needed_collectors(selected: list[Control]) -> set[str]:
    """The collectors that these controls need, with the collectors that those depend on."""
    types = {type for each in selected for type in (*each.facts, *each.related, *each.others)}
    wanted = {collector_by_type()[type] for type in types}
    if any(collectors()[name].collector.stage > 0 for name in wanted):
        # A later stage reads what any collector of an earlier stage refers to, so all of those are needed.
        last = max(collectors()[name].collector.stage for name in wanted)
        wanted |= {name for name, item in collectors().items() if item.collector.stage < last}
    return wanted


def group_by_stage(names: set[str]) -> list[list[LoadedCollector]]:
    chosen = [collectors()[name] for name in sorted(names)]
    stages = sorted({item.collector.stage for item in chosen})
    return [[item for item in chosen if item.collector.stage == stage] for stage in stages]


def is_global(item: LoadedCollector) -> bool:
    return item.collector.scope == GLOBAL


def resolve_control_ids(named: Iterable[str]) -> list[str]:
    """The public ids that these names mean: an id (SSM-PS-001), a control with parts (SSM-DS-001), or a group (PS).

    An unknown name is returned unchanged, so that the caller can report it."""
    found: dict[str, None] = {}
    for name in named:
        found.update(dict.fromkeys(match_control_name(name.strip().upper()) or [name.strip().upper()]))
    return list(found)


def match_control_name(name: str) -> list[str]:
    return [
        id for id, item in controls().items() if id == name or id.startswith(f"{name}.") or item.control.group == name
    ]
