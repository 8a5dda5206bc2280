"""No function or class is there for nothing: from what the product's modules do, each can be reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("governance", "accounts", "scans", "exceptions")
# Found by place and name, by base class or through a setting. This list may only shrink.
FOUND_BY_NAME = (
    "*.apps.*Config",
    "*.management.commands.*.Command",
    "*.migrations.*.Migration",
    "accounts.aws.session.clients_built",  # bench/scan.py counts them
    "accounts.scopes.locate",  # settings.GRANT_SCOPES
    "accounts.scopes.units",
    "accounts.scopes.within",
    "governance.notify.smtp.EmailBackend",  # settings.EMAIL_BACKEND
    "governance.rest.schema.SessionScheme",  # drf-spectacular asks for the subclasses of its extension
    "governance.rest.schema.TokenScheme",
    "scans.collectors.*.collect",  # scans.registry
    "scans.controls.*.evaluate",
    "scans.controls.*.fix",
)
# Decorators that hand a function to a framework.
REGISTERING = ("shared_task", "register.", ".connect")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Modules = Mapping[str, ast.Module]


@cache
def parse_product() -> dict[str, ast.Module]:
    """The product's modules by dotted name; migrations too, since some functions are for them alone."""
    paths = [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(names, paths, strict=True)}


def bind_names(module: str, tree: ast.Module) -> dict[str, str]:
    """What a module's names mean: name -> dotted name."""
    bound = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, Definition)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            bound |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            bound |= {name.asname: name.name for name in node.names if name.asname}
            bound |= {top: top for name in node.names if not name.asname for top in name.name.split(".")[:1]}
    return bound


class ReferenceFinder:
    """Names in code, led back to the definition that they mean, through any number of imports."""

    def __init__(self, modules: Modules) -> None:
        self.bound = {module: bind_names(module, tree) for module, tree in modules.items()}

    def resolve(self, dotted: str) -> str:
        module, _, name = dotted.rpartition(".")
        meant = self.bound.get(module, {}).get(name, dotted)
        return dotted if meant == dotted else self.resolve(meant)

    def references(self, module: str, node: ast.AST) -> Iterator[str]:
        """By a name, by a module's attribute, or by a dotted path in a string."""
        bound = self.bound[module]
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in bound:
                yield self.resolve(bound[part.id])
            elif isinstance(part, ast.Attribute):
                base, *attributes = ast.unparse(part).split(".")
                if base in bound:
                    yield self.resolve(".".join([bound[base], *attributes]))
            elif isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value:
                yield self.resolve(part.value)


def is_registered(node: Definition) -> bool:
    decorators = " ".join(map(ast.unparse, node.decorator_list))
    return any(word in decorators for word in REGISTERING)


def find_unused(modules: Modules, found_by_name: tuple[str, ...]) -> set[str]:
    """Definitions that can't be reached.

    1. What modules do when they are imported is reached, and what a framework finds.
    2. What a reached definition refers to is reached. So two functions that only call each other are unused.
    """
    finder = ReferenceFinder(modules)
    named: dict[str, set[str]] = {}
    reached: set[str] = set()
    for module, tree in modules.items():
        for node in tree.body:
            found = set(finder.references(module, node))
            if isinstance(node, Definition):
                name = f"{module}.{node.name}"
                named[name] = named.get(name, set()) | found
                if is_registered(node) or any(fnmatch(name, pattern) for pattern in found_by_name):
                    reached.add(name)
            elif not isinstance(node, ast.Import | ast.ImportFrom):
                reached |= found
    waiting = list(reached)
    while waiting:
        new = named.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return set(named) - reached


def test_the_product_refers_to_each_of_its_functions_and_classes() -> None:
    assert find_unused(parse_product(), FOUND_BY_NAME) == set(), "remove what nothing uses, with its tests"


def test_each_exemption_is_needed() -> None:
    exempt = find_unused(parse_product(), ())
    assert [pattern for pattern in FOUND_BY_NAME if not any(fnmatch(name, pattern) for name in exempt)] == []


def test_every_kind_of_reference_is_followed_and_nothing_else() -> None:
    sources = {
        "app": "from app.deep import passed_on",
        "app.deep": "def passed_on(): ...\ndef by_module(): ...\ndef by_path(): ...\ndef only_imported(): ...",
        "app.dead": "def calls_itself(): calls_itself()\ndef a(): b()\ndef b(): a()\n@register.filter\ndef tag(): ...",
        "app.use": "import app\nfrom app import deep as d\nfrom app import passed_on\nfrom app.deep import only_imported\n"
        "def run():\n    passed_on()\n    d.by_module()\nPATH = 'app.deep.by_path'\nrun()",
    }
    modules = {name: ast.parse(source) for name, source in sources.items()}
    assert find_unused(modules, ()) == {
        "app.deep.only_imported", "app.dead.calls_itself", "app.dead.a", "app.dead.b",
    }  # fmt: skip
    assert find_unused(modules, ("app.dead.a",)) == {"app.deep.only_imported", "app.dead.calls_itself"}
