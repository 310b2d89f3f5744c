from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Sequence

import pytest

from cnnkit.checking import runner
from cnnkit.checking.check import CheckTask
from cnnkit.errors import UsageError
from tests.checking.checked import FAULTY, FINE, Check, Write, rules_of


def test_the_results_are_in_the_order_of_the_paths(write: Write, check: Check) -> None:
    for name in ("c.yaml", "sub/b.yaml", "sub/a.yaml"):
        write(name)
    results = check("c.yaml", "sub", "c.yaml")
    assert [result.file for result in results] == ["c.yaml", "sub/a.yaml", "sub/b.yaml"]


def test_they_are_the_same_of_one_process_and_of_several(write: Write, check: Check) -> None:
    for number in range(12):
        write(f"{number:02}.yaml", FAULTY if number % 3 else FINE)
    write("05.yaml", "")
    write("cnnkit.toml", 'error = ["small-receptive-field"]\n')
    one = check(jobs=1)
    assert check(jobs=2) == one == check(jobs=3)
    assert rules_of(one).count("invalid-stride") == 7
    assert len({result.file for result in one}) == 12


def test_one_process_serves_few_files(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.yaml")
    write("b.yaml")
    assert runner._workers([]) == 1
    monkeypatch.setattr(runner, "_FILES_WORTH_PROCESSES", 2)
    monkeypatch.setattr(runner, "_workers", len)
    assert check(jobs=None) == check(jobs=1)


def test_many_or_large_files_are_worth_processes(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(runner, "_cores", lambda: 7)
    monkeypatch.setattr(runner, "_FILES_WORTH_PROCESSES", 3)
    monkeypatch.setattr(runner, "_BYTES_WORTH_PROCESSES", 1_000)
    workers = runner._workers

    def counted(tasks: Sequence[CheckTask]) -> int:
        seen.append(workers(tasks))
        return 1

    monkeypatch.setattr(runner, "_workers", counted)
    write("a.yaml")
    write("b.yaml")
    check(jobs=None)
    write("c.yaml")
    check(jobs=None)
    check("a.yaml", jobs=None)
    write("a.yaml", FINE + "#" * 1_000)
    check("a.yaml", jobs=None)
    assert seen == [1, 7, 1, 7]


def test_a_result_goes_between_processes(write: Write, check: Check) -> None:
    write("a.yaml", FAULTY)
    results = check()
    assert pickle.loads(pickle.dumps(results)) == results  # noqa: S301 - our own


def test_standard_input_is_a_file_among_others(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.yaml", FINE)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FAULTY.encode())))
    first, second = check("-", "a.yaml", "-", jobs=4)
    assert (first.file, rules_of([first])) == ("<stdin>", ["invalid-stride"])
    assert second.ok


def test_standard_input_follows_the_configuration_of_the_folder(
    write: Write, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("cnnkit.toml", 'ignore = ["invalid-stride"]\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FAULTY.encode())))
    assert "invalid-stride" not in rules_of(check("-"))


def test_values_are_set_in_every_spec(write: Write, check: Check) -> None:
    write("a.yaml", FINE)
    write("b.yaml", FINE)
    assert rules_of(check(overrides=("layers.0.kernel=9",))) == ["window-too-large"] * 2
    with pytest.raises(UsageError, match="there is no index 7"):
        check(overrides=("layers.7.kernel=9",))
    with pytest.raises(UsageError, match="there is no index 7"):
        check(overrides=("layers.7.kernel=9",), jobs=2)


def test_budget_and_expectations_are_checked(write: Write, check: Check) -> None:
    write("a.yaml", FINE + "budget: {parameters: 10}\n")
    write("b.yaml", FINE + "expect: {parameters: 10}\n")
    write("c.yaml", FINE + "expect: {parameters: 242}\nbudget: {parameters: 242}\n")
    assert rules_of(check()) == ["over-budget", "expectation-failed"]
