"""The largest value within budgets, held to values by hand and to brute force."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnkit
from cnnkit.analysis.solve import Values, largest
from cnnkit.analysis.solve.search import IntegerSearch
from cnnkit.errors import UsageError
from cnnkit.spec.reading import read

WIDTH = """\
input: 8x8x1
variables: {width: 4, groups: 1}
layers:
  - conv: {filters: $width, kernel: 3}
  - conv: {filters: $width, kernel: 1, groups: $groups}
"""  # 9w + w + w·w/g + w = w² / g + 11 w


def spec_of(text: str = WIDTH, *settings_: str) -> cnnkit.Spec:
    spec = read(text, settings_).spec
    assert spec is not None
    return spec


def test_the_largest_width_by_hand() -> None:
    # 26² + 11·26 = 962 and 27² + 11·27 = 1026
    solution = largest(spec_of(), "variables.width", {"parameters": 1000})
    assert solution.best is not None
    assert solution.next is not None
    assert (solution.best.value, solution.best.margins) == (Decimal(26), {"parameters": 38})
    assert (solution.next.value, solution.next.over) == (Decimal(27), {"parameters": 26})
    assert solution.present == 4
    assert solution.assignment == "variables.width=26"
    assert solution.found
    assert solution.tried < 20


def test_several_budgets_bind_together() -> None:
    # MACs: 36·9·w + 36·w² ≤ 10,000 at 12: 3,888 + 5,184 = 9,072; at 13 10,296.
    bounds = {"parameters": 1000, "macs": 10_000}
    solution = largest(spec_of(), "variables.width", bounds)
    assert solution.best is not None
    assert solution.best.value == 12


@pytest.mark.parametrize("start", [4, 40, 400])
@pytest.mark.parametrize("groups", [1, 2, 8, 60])
@pytest.mark.parametrize("bound", [100, 999, 7_777])
def test_the_largest_of_all_by_brute_force(start: int, groups: int, bound: int) -> None:
    # What groups do not divide is no valid spec; the analysis says so, the formula here does not.
    spec = spec_of(WIDTH, f"variables.width={start}", f"variables.groups={groups}")
    solution = largest(spec, "variables.width", {"parameters": bound})
    valid = [w for w in range(groups, 700, groups) if w * w // groups + 11 * w <= bound]
    assert (None if solution.best is None else solution.best.value) == max(valid, default=None)


def test_steps_that_are_not_whole() -> None:
    text = WIDTH.replace("width: 4", "width: 0.5").replace(
        "filters: $width", 'filters: "$(floor(40 * width))"'
    )
    values = Values(Decimal("0.05"))
    solution = largest(spec_of(text), "variables.width", {"parameters": 1000}, values)
    assert solution.best is not None
    assert (solution.best.text, solution.next and solution.next.text) == ("0.65", "0.7")
    with pytest.raises(
        UsageError, match=r"variables.width is 0.5, which is not whole: give --step"
    ):
        largest(spec_of(text), "variables.width", {"parameters": 1000})


def test_between_bounds_every_value_counts() -> None:
    # A stride makes a network cheaper: 5² MACs of 9 at 1, 2² at 3; 2 and 4 … are not exact.
    last = "{conv: {filters: 1, kernel: 2, stride: 1}}"
    text = f"input: 7x7x1\nlayers: [{{conv: {{filters: 1, kernel: 3}}}}, {last}]\n"
    values = Values(Decimal(1), Decimal(1), Decimal(5))
    solution = largest(spec_of(text), "layers.1.stride", {"macs": 225 + 30}, values)
    assert solution.best is not None
    assert solution.best.value == 3
    assert solution.tried == 3
    whole = Values(Decimal(1), Decimal(20), Decimal(26))
    solution = largest(spec_of(), "variables.width", {"parameters": 1000}, whole)
    assert solution.best is not None
    assert (solution.best.value, solution.next) == (Decimal(26), None)


def test_no_value_meets_it() -> None:
    solution = largest(spec_of(), "variables.width", {"parameters": 11})
    assert not solution.found
    assert solution.nearest is not None
    assert (solution.nearest.value, solution.nearest.over) == (Decimal(1), {"parameters": 1})


def test_no_value_is_valid() -> None:
    text = WIDTH.replace("kernel: 3", "kernel: 9")
    solution = largest(spec_of(text), "variables.width", {"parameters": 1000})
    assert (solution.best, solution.nearest) == (None, None)
    assert solution.fault is not None
    assert solution.fault.rule == "window-too-large"


def test_every_value_meets_it() -> None:
    solution = largest(spec_of(), "variables.width", {"state": 0})
    assert solution.endless
    assert not solution.found


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("variables.widht", "--vary variables.widht: there is no `widht`; did you mean `width`?"),
        (
            "layers.7.filters",
            "--vary layers.7.filters: there is no index 7, the list has 2 entries",
        ),
        ("layers", "--vary layers: this is a list; name one number, such as layers.0"),
        ("variables", "--vary variables: this is a mapping; name one number in it"),
    ],
)
def test_paths_that_lead_to_no_number(path: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        largest(spec_of(), path, {"parameters": 1000})
    assert str(caught.value) == message


def test_paths_into_layers_by_name_and_by_kind() -> None:
    text = "input: 8x8x1\nlayers: [{name: stem, conv: {filters: 2, kernel: 3}}]\n"
    for path in ("layers.stem.filters", "layers.0.conv.filters"):
        solution = largest(spec_of(text), path, {"parameters": 95})
        assert solution.best is not None
        assert (solution.present, solution.best.value) == (Decimal(2), Decimal(9))


def test_too_many_values_and_none() -> None:
    bounds = Values(Decimal(1), Decimal(1), Decimal(5000))
    with pytest.raises(UsageError, match=r"holds 5,000 values in steps of 1; at most 2,000"):
        largest(spec_of(), "variables.width", {"parameters": 1}, bounds)


class Outcome:
    """A number's trial, told by two sets."""

    def __init__(self, *, valid: bool, meets: bool) -> None:
        self.valid, self.meets = valid, valid and meets


@given(
    st.integers(0, 3000),
    st.sampled_from([1, 2, 3, 8, 16, 64]),
    st.none() | st.integers(0, 5000),
)
def test_the_climb_finds_the_last_multiple(bound: int, unit: int, start: int | None) -> None:
    search = IntegerSearch(lambda n: Outcome(valid=n % unit == 0, meets=n <= bound), 10_000)
    assert search.climbed(start) == bound // unit * unit


def test_the_climb_goes_on_where_budgets_are_met_again() -> None:
    search = IntegerSearch(lambda n: Outcome(valid=True, meets=n <= 10 or 20 <= n <= 25), 10_000)
    assert search.climbed(3) == 25
