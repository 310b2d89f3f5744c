"""The metrics: which way each is better, how it is written, and which tasks have it.

One table that history, search, comparison, displays, reports and `check` ask. A new metric is an
entry here and a function of its name in ``training/compute/figures.py``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from cnnkit.tasks.task import OF_NUMBERS, TASKS, Task

_OF_CLASSES: Final[tuple[Task, ...]] = ("classes", "binary", "labels", "pairs")
_OF_ONE_CLASS: Final[tuple[Task, ...]] = ("classes", "binary", "pairs")
_OF_PROBABILITIES: Final[tuple[Task, ...]] = ("classes", "binary")
_OF_PIXELS: Final[tuple[Task, ...]] = ("segmentation",)
_OF_IMAGES: Final[tuple[Task, ...]] = ("images",)
RECALL: Final = "recall."
"""What the name of a class stands behind, in the name of the metric that is its recall."""


@dataclass(frozen=True)
class Metric:
    """A figure that a network is judged by.

    Attributes:
        name: As a spec, the command line and files have it.
        title: As a sentence says it.
        tasks: The tasks that have it.
        better: Which way it is better.
        percent: Whether it is a part of a whole, written in percent.
        decimals: How its number is written.
        chooses: Whether the best epoch and the best trial may be chosen by it.
        followed: Whether every epoch shows it: in its line, in the curves and in the page's table.
        fewest: The classes from which on it says anything.
        of_scores: Whether it takes all scores or maps of a split, and not sums over its examples,
            so that it is measured once, at the end.
        brief: Whether it stands in the line that says what a split came to.
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    better: Literal["higher", "lower"]
    percent: bool = False
    decimals: str = ".4f"
    chooses: bool = True
    followed: bool = False
    fewest: int = 0
    of_scores: bool = False
    brief: bool = True

    @property
    def rises(self) -> bool:
        """Whether more is better."""
        return self.better == "higher"

    def rank(self, value: float | None) -> float:
        """A value as what is larger the better it is; what is no number is the worst."""
        if value is None or not math.isfinite(value):
            return -math.inf
        return value if self.rises else -value

    def shown(self, value: float | None) -> str:
        """A value as it is written.

        >>> METRICS["accuracy"].shown(0.98123), METRICS["loss"].shown(0.123456)
        ('98.12 %', '0.1235')
        """
        if value is None or math.isnan(value):
            return "—"
        return f"{100 * value:.2f} %" if self.percent else f"{value:{self.decimals}}"

    def spread(self, mean: float, deviation: float) -> str:
        """A mean with its standard deviation.

        >>> METRICS["accuracy"].spread(0.9812, 0.004)
        '98.12 % ± 0.40'
        """
        beside = f"{100 * deviation:.2f}" if self.percent else f"{deviation:{self.decimals}}"
        return f"{self.shown(mean)} ± {beside}"

    def difference(self, value: float) -> str:
        """A difference of two values.

        >>> METRICS["macro_f1"].difference(0.0502), METRICS["loss"].difference(0.0123456)
        ('5.02 points', '0.01235')
        """
        return f"{100 * value:.2f} points" if self.percent else f"{value:.4g}"

    def of_any(self, tasks: Collection[Task]) -> bool:
        """Whether one of some tasks has it."""
        return not set(tasks).isdisjoint(self.tasks)


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            "accuracy",
            (*_OF_CLASSES, "triplets"),
            "higher",
            percent=True,
            followed=True,
        ),
        Metric("balanced_accuracy", "balanced accuracy", _OF_CLASSES, "higher", percent=True),
        Metric("macro_f1", "macro F1", _OF_CLASSES, "higher", percent=True),
        Metric("weighted_f1", "weighted F1", _OF_CLASSES, "higher", percent=True, brief=False),
        Metric("matthews", "Matthews correlation", _OF_ONE_CLASS, "higher", brief=False),
        Metric("kappa", "Cohen's kappa", _OF_ONE_CLASS, "higher", brief=False),
        Metric(
            "roc_auc",
            "ROC AUC",
            _OF_CLASSES,
            "higher",
            percent=True,
            chooses=False,
            of_scores=True,
            brief=False,
        ),
        Metric(
            "average_precision",
            "average precision",
            _OF_CLASSES,
            "higher",
            percent=True,
            chooses=False,
            of_scores=True,
            brief=False,
        ),
        Metric(
            "calibration_error",
            "expected calibration error",
            _OF_PROBABILITIES,
            "lower",
            percent=True,
            chooses=False,
            of_scores=True,
            brief=False,
        ),
        Metric(
            "top5", "top-5 accuracy", ("classes",), "higher", percent=True, chooses=False, fewest=6
        ),
        Metric("mean_iou", "mean IoU", _OF_PIXELS, "higher", percent=True, followed=True),
        Metric("mean_dice", "mean Dice", _OF_PIXELS, "higher", percent=True),
        Metric("pixel_accuracy", "pixel accuracy", _OF_PIXELS, "higher", percent=True),
        Metric(
            "boundary_f1",
            "boundary F1",
            _OF_PIXELS,
            "higher",
            percent=True,
            chooses=False,
            of_scores=True,
            brief=False,
        ),
        Metric("psnr", "PSNR in dB", _OF_IMAGES, "higher", decimals=".2f", followed=True),
        Metric("ssim", "SSIM", _OF_IMAGES, "higher"),
        Metric("mean_squared_error", "mean squared error", OF_NUMBERS, "lower", decimals=".4g"),
        Metric("mean_absolute_error", "mean absolute error", OF_NUMBERS, "lower", decimals=".4g"),
        Metric("loss", "loss", TASKS, "lower", followed=True),
    )
}
"""The metrics by their names, in the order in which they are shown."""

_RECALL: Final = Metric(RECALL, "recall of ", (*_OF_CLASSES, *_OF_PIXELS), "higher", percent=True)

CHOOSING: Final = tuple(name for name, metric in METRICS.items() if metric.chooses)
"""The metrics that the best epoch and the best trial may be chosen by, beside a class's recall."""


def of_output(output: str, name: str) -> str:
    """The name that a metric of one of several outputs has.

    >>> of_output("label", "accuracy")
    'label.accuracy'
    """
    return f"{output}.{name}"


def split_name(name: str) -> tuple[str, str]:
    """The output that a metric is of, and the metric; the output is empty where there is one.

    >>> split_name("label.accuracy"), split_name("label.recall.cat"), split_name("recall.cat")
    (('label', 'accuracy'), ('label', 'recall.cat'), ('', 'recall.cat'))
    """
    output, _, rest = name.partition(".")
    if name.startswith(RECALL) or not rest:
        return "", name
    return (output, rest) if rest in METRICS or rest.startswith(RECALL) else ("", name)


def metric_of(name: str) -> Metric:
    """The metric of a name: one of the table, the recall of a class, or one of these of an output.

    >>> metric_of("recall.sick").title, metric_of("label.accuracy").title
    ('recall of sick', 'label: accuracy')

    Raises:
        KeyError: There is none.
    """
    output, own = split_name(name)
    if output:
        metric = metric_of(own)
        return replace(metric, name=name, title=f"{output}: {metric.title}")
    if name.startswith(RECALL) and name != RECALL:
        return replace(_RECALL, name=name, title=f"recall of {name.removeprefix(RECALL)}")
    return METRICS[name]


def class_of(name: str) -> str | None:
    """The class whose recall a metric is; None of other metrics."""
    own = split_name(name)[1]
    return own.removeprefix(RECALL) if own.startswith(RECALL) else None


def is_metric(name: str) -> bool:
    """Whether there is a metric of a name.

    >>> is_metric("macro_f1"), is_metric("recall.0"), is_metric("recall."), is_metric("macs")
    (True, True, False, False)
    """
    own = split_name(name)[1]
    return own in METRICS or (own.startswith(RECALL) and own != RECALL)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names of metrics in the order of the table; others, such as a class's recall, first.

    Those of one of several outputs stand together, before those of all.
    """
    names = tuple(names)
    outputs = list(dict.fromkeys(output for name in names if (output := split_name(name)[0])))
    places = {name: place for place, name in enumerate(METRICS)}

    def place(name: str) -> tuple[int, int]:
        output, own = split_name(name)
        return outputs.index(output) if output else len(outputs), places.get(own, -1)

    return tuple(sorted(names, key=place))


def metrics_in(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics among some names, in their order, without those of single classes.

    >>> [metric.name for metric in metrics_in(["loss", "examples", "accuracy", "recall.cat"])]
    ['accuracy', 'loss']
    """
    return tuple(
        metric_of(name) for name in ordered(names) if is_metric(name) and class_of(name) is None
    )


def default_metric(tasks: Collection[Task]) -> str:
    """What says which of several networks is the best, where nothing else is asked for.

    Of several tasks the first counts.

    >>> default_metric(["classes"]), default_metric(["values"]), default_metric(["segmentation"])
    ('accuracy', 'loss', 'mean_iou')
    """
    first = tuple(tasks)[:1]
    return next(name for name, each in METRICS.items() if each.followed and each.of_any(first))


def headline(names: Collection[str]) -> str:
    """The metric that stands for all that some figures have.

    >>> headline(["loss", "macro_f1", "accuracy"]), headline(["loss", "mean_squared_error"])
    ('accuracy', 'loss')
    """
    return next((name for name, each in METRICS.items() if each.followed and name in names), "loss")


def followed(names: Collection[str], monitor: str | None = None) -> tuple[str, ...]:
    """What every epoch shows of the metrics it has: the loss, the headline, what is monitored.

    >>> followed(["loss", "accuracy", "macro_f1"]), followed(["loss", "recall.0"], "recall.0")
    (('loss', 'accuracy'), ('loss', 'recall.0'))
    """
    # Of several outputs each has a loss, and they have one together, which is the one followed.
    known = filter(is_metric, ordered(names))
    shown = (name for name in known if metric_of(name).followed and not name.endswith(".loss"))
    wanted = ("loss", *shown, monitor)
    return tuple(dict.fromkeys(name for name in wanted if name is not None and name in names))
