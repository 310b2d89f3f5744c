"""What a search makes best: a metric of the validation, or a total of the network."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.errors import UsageError
from cnnkit.spec.model.search import Search, SearchSettings
from cnnkit.spec.model.training import Train
from cnnkit.tasks.metric import Metric, is_metric, metric_of


def objective(name: str) -> Metric:
    """A metric of the table; a total of the network, of which less is better.

    >>> objective("accuracy").rises, objective("parameters").rises
    (True, False)
    """
    if is_metric(name):
        return metric_of(name)
    return Metric(name, name, (), "lower", decimals=",.0f")


def score_of(objectives: Sequence[str]) -> str:
    """The first metric among objectives: what tells which epoch of a trial is its best."""
    return next(filter(is_metric, objectives))


def demand_of_task(search: Search, settings: SearchSettings, train: Train) -> None:
    """Refuses objectives that no network of the recipe has.

    Raises:
        UsageError: There is one.
    """
    asked = search.model_copy(update={"settings": settings})
    for fault in asked.misfits(train):
        raise UsageError(f"{fault.message}; {fault.help}")
