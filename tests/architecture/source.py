"""The project's Python files, each read and parsed once for all tests about the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("governance", "accounts", "scans", "exceptions", "demo", "bench", "tests")
PRODUCT = ("governance", "accounts", "scans", "exceptions")


@cache
def files_of(package: str) -> tuple[Path, ...]:
    return tuple(path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def python_files(*packages: str) -> Iterator[Path]:
    """Without migrations."""
    for package in packages:
        yield from files_of(package)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))
