"""`cnnkit schema`: what it writes, and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnkit.rules import LEVELS
from cnnkit.spec.schema.document import schema
from tests.cli.command import Run, runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


def test_prints_the_schema_with_the_names_of_the_rules(run: Run) -> None:
    done = run("schema")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == schema(LEVELS)
    assert '"redundant-bias"' in done.out


def test_writes_a_file_and_prints_nothing(run: Run) -> None:
    for _ in range(2):  # the second writes over the first, as after an update
        done = run("schema", "--output", "cnnkit.schema.json")
        assert (done.code, done.out, done.err) == (0, "", "")
    text = Path("cnnkit.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == schema(LEVELS)
    assert text.endswith("}\n")


def test_a_file_that_cannot_be_written_is_a_wrong_call(run: Run) -> None:
    done = run("schema", "-o", "no/schema.json")
    assert (done.code, done.out) == (2, "")
    assert done.err == "cnnkit: no/schema.json cannot be written: No such file or directory\n"


def test_is_the_same_each_time() -> None:
    """Or the file would change in a repository without a reason."""
    command = [sys.executable, "-m", "cnnkit", "schema"]
    one, other = (
        subprocess.run(
            command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other


def test_loads_no_array_library() -> None:
    code = (
        "import sys; from cnnkit.__main__ import main; sys.argv = ['cnnkit', 'schema']\n"
        "try: main()\n"
        "except SystemExit: print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'cnnkit.spec.schema.document'" in done.stderr
    assert not {"'jax'", "'flax'", "'optax'", "'numpy'"} & set(done.stderr[1:-2].split(", "))
