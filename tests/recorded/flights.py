"""The recordings of AWS's answers, by flight: what one test of their project was answered."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from botocore.model import OperationModel

from tests.contract.shapes import MODES, Maker
from tests.contract.wire import STATUS

FILE = Path(__file__).resolve().parent / "answers.json.gz"


@dataclass
class Flight:
    """otherwise: answers the calls that weren't recorded."""

    name: str
    recorded: Mapping[str, list[dict[str, Any]]]
    otherwise: Maker = field(default_factory=lambda: Maker("0", MODES["full"], watching=False))
    taken: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, model: OperationModel, params: Mapping[str, Any], region: str) -> dict[str, Any]:
        """The recorded answers of a call in turn; the last one again where they are used up."""
        api = f"{model.service_model.service_name}.{model.name}"
        if api not in self.recorded:
            return self.otherwise.answer(model, params, region)
        with self.lock:
            at = min(self.taken[api], len(self.recorded[api]) - 1)
            self.taken[api] += 1
        one = self.recorded[api][at]
        answer: dict[str, Any] = revived(one["answer"])
        return answer if one["status"] < 300 else {**answer, STATUS: one["status"]}


@cache
def load() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Flight -> API -> its answers."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for flight in json.loads(gzip.decompress(FILE.read_bytes())):
        by_api = found.setdefault(flight["from"], {})
        for one in flight["answers"]:
            by_api.setdefault(one["api"], []).append(one)
    return found


def revived(value: Any) -> Any:
    """A value as botocore gives it, with times and bytes."""
    if isinstance(value, list):
        return [revived(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$time"}:
        return datetime.fromisoformat(value["$time"])
    if set(value) == {"$bytes"}:
        return value["$bytes"].encode()
    return {name: revived(item) for name, item in value.items()}
