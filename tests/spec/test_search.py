"""The section `search:`: paths that lead somewhere, spaces, conditions and settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnkit
from cnnkit.spec.language.search import SEARCHED
from cnnkit.spec.model.search import KINDS, SCORES, Choice, Search, SearchSettings
from cnnkit.spec.model.section import TOTALS
from tests.spec.marked import fault, findings, rules

HEAD = """\
input: 8x8x1
variables: {width: 8, mode: plain}
layers:
  - {name: stem, conv: {filters: $width, kernel: 3}}
  - flatten
  - dense: {units: 10}
train: {data: digits, optimizer: sgd}
search:
"""


def loaded(search: str) -> Search:
    found = cnnkit.load(HEAD + search).search
    assert found is not None
    return found


def test_the_example_of_the_contract() -> None:
    search = loaded(
        "  {variables.width: [8, 16, 32], train.learning_rate: {log_uniform: [1e-4, 1e-1]}}"
    )
    assert search.choices["variables.width"].listed == (8, 16, 32)
    assert search.choices["train.learning_rate"].log_uniform == (1e-4, 1e-1)
    assert search.settings == SearchSettings(method="tpe", trials=None, objectives=("accuracy",))


@pytest.mark.parametrize(
    ("space", "listed"),
    [
        ("[1, two, [3, 4], null]", (1, "two", [3, 4], None)),
        ("{values: [8, 16]}", (8, 16)),
        ("{range: [8, 24, 8]}", (8, 16, 24)),
        ("{range: [8, 30, 8]}", (8, 16, 24)),
        ("{range: [0, 0.3, 0.1]}", (0, 0.1, 0.2, 0.3)),
        ("{integer: [2, 5]}", (2, 3, 4, 5)),
        ("{integer: [1, 1000000]}", None),
        ("{uniform: [0, 1]}", None),
        ("{log_uniform: [1e-5, 1]}", None),
    ],
)
def test_the_values_of_a_space(space: str, listed: tuple[object, ...] | None) -> None:
    assert loaded(f"  variables.mode: {space}").choices["variables.mode"].listed == listed


@given(st.integers(-50, 50), st.integers(0, 100), st.integers(1, 20))
def test_a_range_is_pythons_with_its_end(first: int, length: int, step: int) -> None:
    choice = Choice(range=(first, first + length, step))
    assert choice.listed == tuple(range(first, first + length + 1, step))


def test_combinations_are_counted_where_they_end() -> None:
    assert loaded("  {variables.width: [1, 2], layers.stem.kernel: {integer: [1, 3]}}")
    assert Search(choices={"a": Choice(values=(1, 2)), "b": Choice(integer=(1, 3))}).combinations()
    two = Search(choices={"a": Choice(values=(1, 2)), "b": Choice(integer=(1, 3))})
    assert two.combinations() == 6
    endless = Search(choices={"a": Choice(values=(1, 2)), "b": Choice(uniform=(0, 1))})
    assert endless.combinations() is None


def test_values_keep_their_expressions_and_bounds_have_theirs_put_in() -> None:
    search = loaded(
        '  layers.stem.filters: [$width, "$(2 * width)"]\n'
        "  layers.2.units: {integer: [$width, $(width + 2)]}\n"
    )
    assert search.choices["layers.stem.filters"].values == ("$width", "$(2 * width)")
    assert search.choices["layers.2.units"].listed == (8, 9, 10)


@pytest.mark.parametrize(
    ("search", "rule", "message", "advice"),
    [
        (
            "  «variables.widht»: [8]",
            "unknown-key",
            "`variables.widht` leads nowhere: there is no `widht`",
            "did you mean `width`?",
        ),
        (
            "  «layers.stem.filter»: [8]",
            "unknown-key",
            "`layers.stem.filter` leads nowhere: there is no `filter`",
            "did you mean `filters`?",
        ),
        (
            "  «layer.stem.filters»: [8]",
            "unknown-key",
            "a search cannot vary `layer.stem.filters`",
            "did you mean `layers.stem.filters`?",
        ),
        (
            "  «expect.parameters»: [8]",
            "unknown-key",
            "a search cannot vary `expect.parameters`",
            f"a path begins with {', '.join(SEARCHED)}: variables.width, layers.0.filters",
        ),
        (
            "  «train.split.validation»: [0.1, 0.2]",
            "wrong-value",
            (
                "a search cannot vary `train.split.validation`: all trials are judged on the "
                "same examples"
            ),
            "vary other paths; to see what chance does, cross-validate",
        ),
        (
            "  variables.width: [8, «wide»]",
            "wrong-type",
            '`variables.width` cannot be "wide": `filters` cannot be "wide"',
            "it takes a whole number above 0",
        ),
        (
            "  layers.stem.kernel: «{uniform: [1, 3]}»",
            "wrong-type",
            "`layers.stem.kernel` cannot be 2.23606797749979: `kernel` cannot be 2.23606797749979",
            "it takes a whole number above 0, or a list of one for each axis",
        ),
        (
            "  variables.width: «8»",
            "wrong-type",
            "`variables.width` is 8, which leaves nothing to search",
            "write a list, `[8, 16]`, or a space, `{uniform: [0, 0.5]}`",
        ),
        (
            "  variables.width: {«unform»: [0, 1]}",
            "unknown-key",
            "`variables.width` has no field `unform`",
            "did you mean `uniform`?",
        ),
        (
            "  variables.width: {integer: «[8, 4]»}",
            "wrong-value",
            "`integer` goes from the lower to the higher: [8, 4]",
            "it takes the lowest and the highest whole number, such as [1, 8]",
        ),
        (
            "  train.learning_rate: {log_uniform: «[0, 1]»}",
            "wrong-value",
            "`log_uniform` has a logarithm only above 0: [0, 1]",
            "it takes the lowest and the highest value, such as [0.1, 0.5]",
        ),
        (
            "  variables.width: {range: «[1, 9, 0]»}",
            "wrong-value",
            "`range` goes up from the first value in steps above 0: [1, 9, 0]",
            "it takes the first value, a bound and the step, such as [8, 64, 8]",
        ),
        (
            "  «variables.width»: {values: [1], integer: [1, 2]}",
            "wrong-value",
            f"a choice has one of {', '.join(KINDS)}; this has `values` and `integer`",
            None,
        ),
        (
            "  variables.width: «[]»",
            "wrong-value",
            "`values` cannot be []",
            "it takes a list of values, such as [8, 16, 32]",
        ),
        (
            "  settings: {«trails»: 3}",
            "unknown-key",
            "`settings` has no field `trails`",
            "did you mean `trials`?",
        ),
        (
            "  settings: {method: «bayes»}",
            "wrong-value",
            '`method` cannot be "bayes"',
            "it takes `tpe`, `random`, `grid` or `halving`",
        ),
        (
            "  settings: {objectives: [accuracy, «mac»]}",
            "wrong-value",
            '`objectives[1]` cannot be "mac"',
            f"it takes a list of these: {', '.join((*SCORES, 'recall.CLASS', *TOTALS))}",
        ),
        (
            "  settings: «5»",
            "wrong-type",
            "`settings` is 5, not a mapping",
            "write `settings: {method: tpe, trials: 30}`",
        ),
    ],
)
def test_a_fault(search: str, rule: str, message: str, advice: str | None) -> None:
    finding = fault(HEAD + search)
    assert (finding.rule, finding.message, finding.help) == (rule, message, advice)


def test_a_path_into_what_another_choice_brings() -> None:
    """The momentum of `sgd` has a place where a choice above it makes the optimizer `sgd`."""
    spec = HEAD.replace("optimizer: sgd", "optimizer: adam")
    assert (
        rules(
            spec + "  train.optimizer: [adam, {sgd: {momentum: 0.5}}]\n"
            '  train.optimizer.sgd.momentum: {uniform: [0, 0.9], when: $(optimizer == "sgd")}\n'
        )
        == []
    )


@pytest.mark.parametrize(
    ("when", "rule", "message"),
    [
        ("$(width > 8 and filters > 1 and optimizer == 'sgd')", None, None),
        ("$(«widht > 8)»", "invalid-expression", "there is no variable `widht`"),
        ("$(«units > 8)»", "invalid-expression", "there is no variable `units`"),
        ("«width > 8»", "wrong-type", '`when` is "width > 8", not true or false'),
        ("«$width»", "wrong-type", "`when` is 8, not true or false"),
        ("«true»", "wrong-type", "`when` cannot be true"),
    ],
)
def test_a_condition_reads_variables_and_the_choices_above_it(
    when: str, rule: str | None, message: str | None
) -> None:
    text = HEAD + (
        "  layers.stem.filters: [4]\n"
        "  train.optimizer: [{sgd: {momentum: 0.9}}]\n"
        f"  layers.stem.kernel: {{values: [3], when: {when}}}\n"
        "  layers.2.units: [10, 20]\n"
    )
    if rule is None:
        assert findings(text) == []
    else:
        finding = fault(text)
        assert (finding.rule, finding.message) == (rule, message)


def test_objectives_are_the_scores_and_the_totals() -> None:
    for name in TOTALS:
        assert SearchSettings(objectives=("accuracy", name)).objectives == ("accuracy", name)
    for name in (*SCORES, "recall.cat"):
        assert SearchSettings(objectives=("macs", name)).objectives == ("macs", name)


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ("[macs]", "`objectives` names accuracy or loss, beside what else is best"),
        ("[loss, loss]", "`objectives` names each objective once"),
    ],
)
def test_objectives_that_say_too_little_or_too_much(objectives: str, message: str) -> None:
    finding = fault(HEAD + f"  settings: {{objectives: «{objectives}»}}")
    assert finding.message.startswith(message)


@pytest.mark.parametrize(
    ("loss", "objectives", "message", "advice"),
    [
        (
            "mean_squared_error",
            "[macs, «accuracy»]",
            "`objectives[1]` is `accuracy`, and mean_squared_error has no classes",
            "choose by `psnr`, `ssim`, `mean_squared_error`, `mean_absolute_error`, `loss`",
        ),
        (
            "huber",
            "[«recall.cat», macs]",
            "`objectives[0]` is `recall.cat`, and huber has no classes",
            "choose by `psnr`, `ssim`, `mean_squared_error`, `mean_absolute_error`, `loss`",
        ),
        (
            "focal",
            "[«mean_squared_error»]",
            "`objectives[0]` is `mean_squared_error`, and focal has no values to predict",
            (
                "choose by `accuracy`, `balanced_accuracy`, `macro_f1`, `weighted_f1`, `matthews`, "
                "`kappa`, `mean_iou`, `mean_dice`, `pixel_accuracy`, `loss`"
            ),
        ),
    ],
)
def test_an_objective_that_the_task_does_not_have(
    loss: str, objectives: str, message: str, advice: str
) -> None:
    text = HEAD.replace("sgd", f"sgd, loss: {loss}")
    finding = fault(text + f"  settings: {{objectives: {objectives}}}")
    assert (finding.rule, finding.message, finding.help) == ("wrong-value", message, advice)


def test_the_losses_that_are_searched_have_what_the_best_is_chosen_by() -> None:
    finding = fault(HEAD + "  train.loss: [focal, «huber»]")
    assert finding.message == (
        '`train.loss` cannot be "huber": the best trial is chosen by `accuracy`, and huber has no '
        "classes"
    )
    both = "  train.loss: [focal, huber]\n  settings: {objectives: [loss]}"
    assert findings(HEAD + both) == []


@pytest.mark.parametrize(
    ("loss", "objective"), [("mean_squared_error", "loss"), ("focal", "accuracy")]
)
def test_the_objective_that_is_not_named_follows_from_the_task(loss: str, objective: str) -> None:
    text = HEAD.replace("sgd", f"sgd, loss: {loss}")
    spec = cnnkit.load(text + "  variables.width: [8, 16]")
    assert spec.search is not None
    assert spec.search.settings_for(spec.train).objectives == (objective,)


def test_a_spec_in_python_takes_the_section_as_it_is_written() -> None:
    spec = cnnkit.Spec(
        input="8x8x1",
        layers=(),
        search={"variables.width": [8, 16], "settings": {"trials": 4}},
    )
    assert spec.search is not None
    assert spec.search.choices["variables.width"].values == (8, 16)
    assert spec.search.settings.trials == 4
    assert spec.search.to_dict() == {"variables.width": [8, 16], "settings": {"trials": 4}}
