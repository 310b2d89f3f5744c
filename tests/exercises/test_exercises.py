"""Questions, whose answers are held to the analyser, to formulas by hand and to scikit-learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from string import Formatter

import numpy as np
import pytest

import cnnkit
from cnnkit.errors import UsageError
from cnnkit.exercises import TOPICS, Question, sheet
from cnnkit.exercises.reading import readings
from cnnkit.exercises.words import MESSAGES

LEVELS = (1, 2, 3)


def drawn(topic: str, level: int) -> tuple[Question, ...]:
    return sheet([topic], count=25, seed=11, level=level).questions


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?<![\w])[−-]?\d+", text.replace("−", "-"))]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_questions_differ_and_no_mistake_is_right(topic: str, level: int) -> None:
    questions = drawn(topic, level)
    assert len({question.text for question in questions}) == len(questions)
    for question in questions:
        assert question.steps
        assert question.is_right(question.answer)
        values = [mistake.value for mistake in question.mistakes]
        assert len(set(values)) == len(values)
        assert not any(map(question.is_right, values))
        for mistake in question.mistakes:
            assert question.feedback(mistake.value) == mistake.feedback
        assert question.feedback(question.answer) is None


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("topic", TOPICS)
def test_each_equation_holds(topic: str, level: int) -> None:
    for question in drawn(topic, level):
        for step in question.steps:
            if "max(" in step:
                left, right = step.split(" = ")
                value = float(max(numbers(left)))
            else:
                left, right = step.partition(", ")[0].split(" = ")[-2:]
                for ours, pythons in {"×": "*", "·": "*", "−": "-"}.items():
                    left, right = left.replace(ours, pythons), right.replace(ours, pythons)
                assert re.fullmatch(r"[\d\s,+*/().-]+", left), step
                if not any(sign in left for sign in "+*/("):
                    continue
                value = eval(left.replace(",", ""))  # noqa: S307  digits and signs alone, as above
            assert value == pytest.approx(float(right.replace(",", "")), abs=5e-5), step


def of_sizes(kernel: int, stride: int, extent: int, padding: int = 0, pool: int = 1) -> int:
    return ((extent - kernel + 2 * padding) // stride + 1) // pool


@pytest.mark.parametrize("level", LEVELS)
def test_sizes_by_hand(level: int) -> None:
    for question in drawn("sizes", level):
        kernel, stride, extent, *more = numbers(question.text)
        padding = more[1] if level > 1 else 0
        pool = 2 if level > 2 else 1
        fits = (extent - kernel + 2 * padding) % stride == 0
        floor = of_sizes(kernel, stride, extent, padding, pool)
        assert question.answer == (floor if fits else 0)
        assert fits or level == 2


def test_a_size_that_is_rounded_down_is_an_error() -> None:
    """The lecture's (D − F + P)/S + 1 has to be whole; Keras and PyTorch take its floor."""
    questions = drawn("sizes", 2)
    odd = [question for question in questions if not question.answer]
    assert 0 < len(odd) < len(questions)
    for question in odd:
        assert question.spec is not None
        (finding,) = cnnkit.analyze(cnnkit.load(question.spec)).findings
        assert finding.rule == "invalid-stride"
        kernel, stride, extent, _, padding, *_ = numbers(question.text)
        said = question.feedback(Fraction(of_sizes(kernel, stride, extent, padding)))
        assert said is not None
        assert said.startswith("Rounded down: the last cells are read by no window")
        assert question.steps[0].endswith(", no whole number: an error")


@pytest.mark.parametrize("level", LEVELS)
def test_padding_by_the_analyser(level: int) -> None:
    for question in drawn("padding", level):
        assert question.spec is not None
        analysis = cnnkit.analyze(cnnkit.load(question.spec))
        assert analysis.findings == ()
        output = numbers(question.text)[-1]
        assert analysis.output == (output, output, 1)
        assert f"padding: {question.answer}" in question.spec


def test_parameters_by_hand() -> None:
    for question in drawn("parameters", 1):
        filters, kernel, _, channels = numbers(question.text.replace("×", " "))
        assert question.answer == filters * (kernel**2 * channels + 1)
    for question in drawn("parameters", 2):
        height, width, channels, units = numbers(question.text.replace("×", " "))
        assert question.answer == units * (height * width * channels + 1)
    for question in drawn("parameters", 3):
        extent, _, _, filters, kernel, *_, units = numbers(question.text.replace("×", " "))
        pooled = (extent - kernel + 1) // 2
        convolution = filters * (9 * 3 + 1) if kernel == 3 else filters * (25 * 3 + 1)
        assert question.answer == convolution + units * (pooled**2 * filters + 1)


@pytest.mark.parametrize("level", LEVELS)
def test_receptive_fields_by_hand(level: int) -> None:
    for question in drawn("receptive-field", level):
        found = numbers(question.text.replace("×", " "))
        seen, jump = 1, 1
        for kernel, stride in zip(found[::3], found[2::3], strict=True):
            seen += (kernel - 1) * jump
            jump *= stride
        assert question.answer == seen


def test_pooling_by_hand() -> None:
    for level in (1, 2):
        for question in drawn("pooling", level):
            size, _, stride, extent, _, channels = numbers(question.text.replace("×", " "))
            output = (extent - size) // stride + 1
            assert question.answer == (output if level == 1 else output**2 * channels)
    for question in drawn("pooling", 3):
        window = numbers(question.text)
        wanted = np.mean(window) if "mean" in question.text else np.max(window)
        assert float(question.answer) == wanted


@pytest.mark.parametrize("level", LEVELS)
def test_metrics_by_scikit_learn(level: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    of: dict[str, Callable[..., float]] = {
        "accuracy": metrics.accuracy_score,
        "recall": metrics.recall_score,
        "specificity": lambda true, said: metrics.recall_score(true, said, pos_label=0),
        "precision": metrics.precision_score,
        "F1": metrics.f1_score,
    }
    names = set()
    for question in drawn("metrics", level):
        found, missed, alarms, rest = numbers(question.text)[:4]
        true = [1] * (found + missed) + [0] * (alarms + rest)
        said = [1] * found + [0] * missed + [1] * alarms + [0] * rest
        name = question.text.partition("its ")[2].partition(",")[0].split(" ")[0]
        names.add(name)
        assert float(question.answer) == pytest.approx(of[name](true, said), rel=1e-12)
    assert names == ({"accuracy"}, {"recall", "specificity", "precision"}, {"F1"})[level - 1]


@pytest.mark.parametrize("level", LEVELS)
def test_both_languages_ask_the_same(level: int) -> None:
    english = sheet(count=12, seed=3, level=level).questions
    french = sheet(count=12, seed=3, level=level, language="fr").questions
    for one, other in zip(english, french, strict=True):
        assert (one.answer, one.spec, one.topic) == (other.answer, other.spec, other.topic)
        assert [each.value for each in one.mistakes] == [each.value for each in other.mistakes]
        assert one.text != other.text
        assert numbers(one.text) == numbers(other.text)


def test_every_message_has_the_same_values_in_both_languages() -> None:
    for key, messages in MESSAGES.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in messages]
        assert fields[0] == fields[1], key


def test_a_seed_draws_the_same_sheet_and_another_another() -> None:
    assert sheet(seed=5) == sheet(seed=5)
    assert sheet(seed=5).questions != sheet(seed=6).questions
    assert [question.topic for question in sheet(count=8).questions] == [*TOPICS, *TOPICS][:8]


def test_more_than_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        sheet(["padding"], count=900)
    assert re.fullmatch(
        r"there are not 900 different questions of padding at level 1: \d+ were found; ask for "
        r"fewer, or for more topics",
        str(caught.value),
    )


def test_a_tolerance_is_for_numbers_that_are_rounded() -> None:
    question = sheet(["metrics"], count=1, seed=7).questions[0]
    assert question.is_right(Fraction(f"{float(question.answer):.3f}"))
    assert not question.is_right(question.answer + Fraction(2, 1000))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("26", [Fraction(26)]),
        (" −3 ", [Fraction(-3)]),
        ("0,25", [Fraction(1, 4)]),
        ("7/2", [Fraction(7, 2)]),
        ("1 215", [Fraction(1215)]),
        ("1\u202f215", [Fraction(1215)]),
        ("1,215", [Fraction(1215, 1000), Fraction(1215)]),
        ("1,215,000", [Fraction(1215000)]),
        ("2.5e3", [Fraction(2500)]),
    ],
)
def test_numbers_as_they_are_written(text: str, values: list[Fraction]) -> None:
    assert list(readings(text)) == values


@pytest.mark.parametrize(
    "text", ["", "many", "1/0", "1e999999999", "9" * 50, "nan", "0x10", "1_000"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        readings(text)
