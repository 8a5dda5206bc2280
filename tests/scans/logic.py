"""What each control's verdicts rest on: its evaluate, and everything of this code that evaluate reaches.

A change there without a new version would leave old findings, and exceptions granted under the old logic, as
they are. So tests/scans/logic.json holds a digest for each control, beside its version:

    python -m tests.scans.logic                # record the controls whose version was raised, and new ones
    python -m tests.scans.logic SSM-AC-002     # ... and this one, whose verdicts stay what they were

Comments, docstrings, annotations, the layout and the words of reasons don't count. Nor do the parts that every
control stands on (scans.domain.control, scans.domain.engine, scans.domain.evidence) and those that only make fixes (scans.controls.lib.fixes, CONTROL's
remediation).
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scans import registry

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("logic.json")
SHARED = frozenset({"scans.domain.control", "scans.controls.lib.fixes", "scans.domain.engine", "scans.domain.evidence"})
REASONED = frozenset({"passed", "failed", "unknown", "not_applicable", "strange"})
Place = tuple[str, str]  # module, name in it; "" is the module itself


@dataclass(frozen=True)
class Module:
    """The top-level statements that define a name, and where imported names come from."""

    nodes: dict[str, ast.stmt]
    imports: dict[str, Place]


def file_of(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def load(name: str) -> Module:
    path = file_of(name)
    assert path is not None, name
    nodes: dict[str, ast.stmt] = {}
    imports: dict[str, Place] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scans":
            imports |= {each.asname or each.name: (str(node.module), each.name) for each in node.names}
        for defined in names(node):
            nodes[defined] = node
    return Module(nodes, imports)


def names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def find(module: str, name: str) -> Place | None:
    """Where a name of a module is defined; None for what isn't ours or doesn't count."""
    held = load(module)
    if name in held.nodes:
        return module, name
    if name not in held.imports:
        return None
    source, original = held.imports[name]
    # A name that a package imports from its module of the same name (grants of scans.controls.lib.iam_policies) is what it imports.
    if original not in load(source).imports and file_of(f"{source}.{original}"):
        return None if f"{source}.{original}" in SHARED else (f"{source}.{original}", "")
    return None if source in SHARED else find(source, original)


def reached(control: str) -> dict[Place, ast.stmt]:
    """Every definition that a control's evaluate stands on."""
    found: dict[Place, ast.stmt] = {}
    todo: list[Place] = [(f"scans.controls.{control}", "evaluate")]
    while todo:
        module, name = todo.pop()
        if (module, name) not in found and (node := load(module).nodes.get(name)):
            found[module, name] = node
            todo += references(module, name)
    return found


@cache
def references(module: str, name: str) -> tuple[Place, ...]:
    return tuple(find_references(module, load(module).nodes[name]))


def find_references(module: str, node: ast.AST) -> Iterator[Place]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            place = find(module, each.value.id)
            if place and not place[1] and each.attr != "CONTROL" and (inside := find(place[0], each.attr)):
                yield inside
        elif isinstance(each, ast.Name) and each.id != "CONTROL" and (place := find(module, each.id)):
            yield place if place[1] else (place[0], "evaluate")  # another control, as a whole


class Bare(ast.NodeTransformer):
    """Takes away what no verdict rests on."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            node.annotation = ast.Name("object", ast.Load())
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REASONED:
            node.args = []
        return node


def form(node: object) -> str:
    """A statement as text. Not ast.dump or ast.unparse, which say the same differently in another Python."""
    if isinstance(node, list):
        return f"[{' '.join(map(form, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    held = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, []) and name != "ctx"]
    return f"{type(node).__name__}({' '.join(f'{name}={form(value)}' for name, value in held)})"


@cache
def bare_form(module: str, name: str) -> str:
    """Of a definition that many controls stand on, made once."""
    return form(Bare().visit(deepcopy(load(module).nodes[name])))


def digest(control: str) -> str:
    declared = next(item.control for item in registry.controls().values() if item.control.file == control)
    facts = [
        sorted((type, list(names)) for type, names in given.items()) for given in (declared.facts, declared.related)
    ]
    parts = [repr((facts, str(declared.scope), declared.needs_organization))]
    if declared.others:
        parts.append(repr(sorted((type, list(names)) for type, names in declared.others.items())))
    for module, name in sorted(reached(control)):
        parts.append(f"{module}.{name} {bare_form(module, name)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def now() -> dict[str, list[object]]:
    controls = [item.control for item in registry.controls().values()]
    return {control.id: [control.version, digest(control.file)] for control in controls}


def recorded() -> dict[str, list[object]]:
    found: dict[str, list[object]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    return found


def silent() -> list[str]:
    """Controls whose logic isn't the recorded one, though their version is."""
    was = recorded()
    return [id for id, found in now().items() if id in was and found != was[id] and found[0] == was[id][0]]


def record(same: list[str]) -> None:
    held = [id for id in silent() if id not in same]
    if held:
        sys.exit(f"Raise the version of {', '.join(held)}, or name those whose verdicts stay what they were.")
    lines = [f"  {json.dumps(id)}: {json.dumps(found)}" for id, found in now().items()]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    record(sys.argv[1:])
