from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo import organization

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--accounts", "0"], "--accounts must be from 1"),
        (["--accounts", "many"], "invalid int value"),
        (["--regions", "99"], "--regions must be from 1"),
        (["--port", "70000"], "--port must be from 0"),
        (["--shape", "pyramid"], "invalid choice"),
        (["--truth", "/nowhere/at/all/truth.jsonl"], "can't write"),
        (["--surprise"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        organization.main(words)
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_demo_prints_environment_and_stops_on_signal(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    words = ["--accounts", "2", "--regions", "1", "--port", "0", "--print-env", "--truth", str(truth)]
    command = [sys.executable, "-m", "demo.organization", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        lines = []
        for line in server.stdout or ():
            lines.append(line.strip())
            if line.startswith("ready"):
                break
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0
    names = [line.removeprefix("export ").partition("=")[0] for line in lines[:-1]]
    assert names == [
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "TUTELA_SCAN_ROLE",
        "TUTELA_EXTERNAL_ID",
        "TUTELA_VALUE_ROLE",
        "TUTELA_FIPS_REGIONS",
        "TUTELA_TLS13_REGIONS",
        "TUTELA_REGIONS",
    ]
    assert lines[-1] == "ready " + lines[0].partition("=")[2]
    assert {json.loads(line)["region"] for line in truth.read_text().splitlines()} == {"global", "eu-west-1"}
