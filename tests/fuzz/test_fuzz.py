"""A brief fuzz, the same in each run; ``run.py`` beside it is the long one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnkit
from cnnkit.report import FORMATS
from cnnkit.spec.reading import read
from tests.fuzz.mutation import Case, case, valid_specs, vocabulary
from tests.fuzz.trial import TooSlowError, failure, smallest

SEED = 0
BATCH = 50
ANYWHERE = Path("fuzz.yaml")
PATIENCE = 20.0
"""Seconds that a case may take here: the machine may be busy. The long fuzz is strict."""

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(vocabulary()),
    st.sampled_from(["$k", "$(k + 1)", "32x32x3"]),
)
keys = st.one_of(st.sampled_from(vocabulary()), st.text(max_size=8))
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
documents = st.fixed_dictionaries(
    {"input": st.sampled_from(["32x32x3", "150", "100x1"]) | trees, "layers": trees},
    optional={"variables": trees, "defaults": trees, "blocks": trees, "expect": trees},
)


@pytest.mark.parametrize("batch", range(6))
def test_a_mutated_spec_gives_findings_or_a_report(batch: int) -> None:
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        found = failure(case(SEED, number), seconds=PATIENCE)
        assert found is None, f"case {number}: {found.detail}"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_valid_spec_has_a_report_in_every_format(format_: str) -> None:
    for spec in valid_specs()[::8]:
        found = failure(spec, [format_], seconds=PATIENCE)
        assert found is None, found.detail


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_findings_or_a_report(data: bytes) -> None:
    found = failure(Case(data, ANYWHERE), seconds=PATIENCE)
    assert found is None, found.detail


@settings(max_examples=60, deadline=None)
@given(documents)
def test_any_document_gives_findings_or_a_report(document: dict[str, object]) -> None:
    found = failure(Case(json.dumps(document).encode(), ANYWHERE), seconds=PATIENCE)
    assert found is None, found.detail


@settings(max_examples=60, deadline=None)
@given(st.one_of(documents, trees))
def test_any_data_gives_findings_or_a_report(data: object) -> None:
    reading = read(data if isinstance(data, dict) else {"layers": data})
    assert reading.findings or reading.spec
    if reading.spec is not None:
        json.dumps(cnnkit.analyze(reading.spec).to_dict())


def test_a_case_is_the_same_each_time() -> None:
    assert [case(7, number) for number in range(20)] == [case(7, number) for number in range(20)]
    assert len({case(7, number).data for number in range(20)}) == 20


def test_a_failure_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cnnkit.layers.pooling.MaxPool.trace", broken)
    spec = next(spec for spec in valid_specs() if spec.path.stem == "max-pool-2x2")
    found = failure(spec)
    assert found is not None
    assert found.key.startswith("ZeroDivisionError")
    least = smallest(found, tries=60)
    assert least.key == found.key
    assert len(least.case.data) < len(spec.data)


def test_a_case_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr("cnnkit.layers.pooling.MaxPool.trace", endless)
    spec = next(spec for spec in valid_specs() if spec.path.stem == "max-pool-2x2")
    found = failure(spec, seconds=0.05)
    assert found is not None
    assert found.key == TooSlowError.__name__
