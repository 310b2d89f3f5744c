"""The Pydantic models of `search:`: what a search varies, and how it goes about it.

    search:
      variables.width: [8, 16, 32]
      train.learning_rate: {log_uniform: [1e-4, 1e-1]}
      train.optimizer: {values: [sgd, adam], when: $(width > 8)}
      settings: {method: tpe, trials: 30, objectives: [accuracy, macs]}

Every key but `settings` is a path as `--set` takes it, and stands for one choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, Strict, field_validator, model_validator

from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import Fault, shown
from cnnkit.spec.model.metric import MetricName, chooses
from cnnkit.spec.model.section import TOTALS, Section
from cnnkit.spec.model.training.objective import choosing, not_of_task, read_loss
from cnnkit.tasks.metric import CHOOSING, RECALL

if TYPE_CHECKING:
    from cnnkit.spec.model.training import Train

SETTINGS: Final = "settings"
"""The key of `search:` that is no path."""

SCORES: Final = CHOOSING
"""What an objective may name of the validation, beside the recall of a class."""

Value: TypeAlias = Any
"""What a spec may have at a path: a number, a word, a list, a mapping."""

_MOST_VALUES: Final = 10_000


def _pair(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Number: TypeAlias = int | float
Values = Annotated[
    Annotated[tuple[Value, ...], Strict(False), Field(min_length=1, max_length=1_000)] | None,
    BeforeValidator(_pair),
    Expects("a list of values, such as [8, 16, 32]"),
]
Pair = Annotated[
    tuple[Number, Number] | None,
    BeforeValidator(_pair),
    Expects("the lowest and the highest value, such as [0.1, 0.5]"),
]
Steps = Annotated[
    tuple[Number, Number, Number] | None,
    BeforeValidator(_pair),
    Expects("the first value, a bound and the step, such as [8, 64, 8]"),
]
Whole = Annotated[
    tuple[int, int] | None,
    BeforeValidator(_pair),
    Expects("the lowest and the highest whole number, such as [1, 8]"),
]


class Choice(Section):
    """What one path may be: exactly one of the kinds of spaces, and a condition.

    Attributes:
        values: The values to choose from.
        range: From, to and step; the bound is a value where a step meets it.
        uniform: The bounds of a real number, each part of the interval alike.
        log_uniform: The bounds of a real number, each factor alike; above zero.
        integer: The bounds of a whole number, both included.
        when: An expression over the variables and the choices above it; where it is false the
            spec keeps what it has.
    """

    values: Values = Field(None, description="the values to choose from")
    range: Steps = Field(None, description="numbers at equal steps; both ends count")
    uniform: Pair = Field(None, description="a real number between two bounds")
    log_uniform: Pair = Field(None, description="a real number, its logarithm uniform")
    integer: Whole = Field(None, description="a whole number, both bounds included")
    when: Annotated[str | None, Expects("an expression, such as $(depth > 2)")] = Field(
        None, description="a condition on the variables and on choices above this one"
    )

    @field_validator("range")
    @classmethod
    def _rises(cls, value: tuple[Number, ...] | None) -> tuple[Number, ...] | None:
        if value is not None:
            first, last, step = value
            if not step > 0 or not first <= last or not math.isfinite(last - first):
                raise ValueError("goes up from the first value in steps above 0")
            if (last - first) / step >= _MOST_VALUES:
                raise ValueError(f"has at most {_MOST_VALUES:,} values")
        return value

    @field_validator("uniform", "log_uniform", "integer")
    @classmethod
    def _bounds(cls, value: tuple[Number, Number] | None) -> tuple[Number, Number] | None:
        if value is not None and not (value[0] < value[1] and math.isfinite(value[1] - value[0])):
            raise ValueError("goes from the lower to the higher")
        return value

    @field_validator("log_uniform")
    @classmethod
    def _positive(cls, value: tuple[Number, Number] | None) -> tuple[Number, Number] | None:
        if value is not None and value[0] <= 0:
            raise ValueError("has a logarithm only above 0")
        return value

    @model_validator(mode="after")
    def _one(self) -> Choice:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            named = " and ".join(f"`{kind}`" for kind in given) or "none"
            raise ValueError(f"a choice has one of {', '.join(KINDS)}; this has {named}")
        return self

    @property
    def listed(self) -> tuple[Value, ...] | None:
        """The values one by one; None where there is no end to them."""
        if self.values is not None:
            return self.values
        if self.integer is not None:
            low, high = self.integer
            return tuple(range(low, high + 1)) if high - low < _MOST_VALUES else None
        if self.range is None:
            return None
        first, last, step = self.range
        count = math.floor((last - first) / step + 1e-9) + 1
        if all(isinstance(part, int) for part in self.range):
            return tuple(first + n * step for n in range(count))
        return tuple(round(first + n * step, 12) for n in range(count))

    @property
    def example(self) -> Value:
        """A value that is neither special nor whole where real numbers are meant."""
        if self.listed is not None:
            return self.listed[0]
        if self.integer is not None:
            return self.integer[0]
        low, high = self.uniform or self.log_uniform or (0.0, 1.0)
        middle = low + (high - low) * (math.sqrt(5) - 1) / 2
        return middle if self.uniform else low ** (1 - 0.618) * high**0.618


KINDS: Final = ("values", "range", "uniform", "log_uniform", "integer")

Method: TypeAlias = Literal["tpe", "random", "grid", "halving"]
Objective = (
    MetricName
    | Literal[
        "neurons",
        "parameters",
        "state",
        "macs",
        "macs_without_heads",
        "flops",
        "activations",
        "inference_memory",
        "weight_memory",
        "activation_memory",
        "memory_traffic",
        "training_memory",
    ]
)
_METHODS = "`tpe`, `random`, `grid` or `halving`"


class SearchSettings(Section):
    """How a search goes about it. Options of the command line go before it.

    Attributes:
        method: ``tpe`` learns from the trials before; ``halving`` is random and gives each rung
            of epochs to the best third alone.
        trials: How many to run; a grid and a space with fewer combinations run each of those.
        objectives: What is best, the first of them first; several give a front.
        folds: Over how many folds a trial is judged, by their mean; None for the validation split.
        pruning: Whether a trial may be ended early; with several objectives none is.
        seed: What the choices are drawn from.
    """

    method: Annotated[Method, Expects(_METHODS)] = Field("tpe", description="how choices are made")
    trials: Annotated[
        Annotated[int, Field(gt=0, le=1_000_000)] | None, Expects("a whole number above 0")
    ] = Field(None, description="how many combinations are tried; default 30, of a grid all")
    objectives: Annotated[
        Annotated[tuple[Objective, ...], Strict(False), Field(min_length=1, max_length=4)],
        Expects(f"a list of these: {', '.join((*SCORES, f'{RECALL}CLASS', *TOTALS))}"),
    ] = Field(
        ("accuracy",),
        description="what is best; several give a Pareto front; where there are no classes, `loss`",
    )
    folds: Annotated[
        Annotated[int, Field(ge=2, le=1000)] | None, Expects("a whole number from 2 on")
    ] = Field(None, description="how many folds judge a trial; default: the validation split")
    pruning: Annotated[bool, Expects("true or false")] = Field(
        True, description="whether a trial that lags behind is ended early"
    )
    seed: Annotated[Annotated[int, Field(ge=0, lt=2**32)], Expects("a whole number")] = Field(
        0, description="what the choices are drawn from"
    )

    @field_validator("objectives")
    @classmethod
    def _scored(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not any(map(chooses, value)):
            raise ValueError("names accuracy or loss, beside what else is best")
        if len(set(value)) < len(value):
            raise ValueError("names each objective once")
        return value


class Search(Section):
    """The section `search:`.

    Attributes:
        choices: For each path, in the order of the text, what it may be.
        settings: How the search goes about it.
    """

    choices: dict[str, Choice] = Field(description="what each path may be")
    settings: SearchSettings = Field(
        SearchSettings.model_construct(), description="how the search goes"
    )

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: object) -> object:
        """The mapping as it is written: paths beside `settings`."""
        if not isinstance(value, Mapping) or "choices" in value:
            return value
        choices = {path: choice_of(each) for path, each in value.items() if path != SETTINGS}
        given = {SETTINGS: value[SETTINGS]} if value.get(SETTINGS) is not None else {}
        return {"choices": choices, **given}

    def settings_for(self, train: Train | None) -> SearchSettings:
        """The settings for a recipe: an objective that they leave open follows from its loss."""
        settings = self.settings
        if train is None or "objectives" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"objectives": (train.default_monitor,)})

    def misfits(self, train: Train) -> Iterator[Fault]:
        """The objectives that no network of a recipe has, and the losses that give none."""
        objectives = self.settings_for(train).objectives
        for index, name in enumerate(objectives):
            if chooses(name) and (why := not_of_task(name, train.loss)):
                yield Fault(
                    "wrong-value",
                    f"`objectives[{index}]` is `{name}`, and {why}",
                    f"choose by {', '.join(f'`{each}`' for each in choosing(train.loss))}",
                    (SETTINGS, "objectives", index),
                )
                return
        choice = self.choices.get("train.loss")
        for index, value in enumerate((choice and choice.listed) or ()):
            loss = read_loss(value)
            for name in filter(chooses, objectives):
                if why := not_of_task(name, loss):
                    yield Fault(
                        "wrong-value",
                        f"`train.loss` cannot be {shown(value)}: the best trial is chosen by "
                        f"`{name}`, and {why}",
                        "search losses of one kind of targets, or choose by `loss`",
                        ("train.loss", index),
                    )

    def combinations(self) -> int | None:
        """How many combinations there are without conditions; None where there is no end."""
        listed = [choice.listed for choice in self.choices.values()]
        return None if None in listed else math.prod(len(each or ()) for each in listed)

    def to_dict(self) -> dict[str, Any]:
        """The section as it is written."""
        written: dict[str, Any] = {}
        for path, choice in self.choices.items():
            fields = choice.model_dump(exclude_none=True, mode="json")
            written[path] = fields["values"] if list(fields) == ["values"] else fields
        settings = self.settings.model_dump(exclude_defaults=True, mode="json")
        return {**written, **({SETTINGS: settings} if settings else {})}


def choice_of(value: object) -> object:
    """What a path is given, as the fields of a ``Choice``: a list is a list of values."""
    return {"values": value} if isinstance(value, list | tuple) else value


def below(paths: Iterator[str] | Mapping[str, object], path: str) -> Iterator[str]:
    """The paths that lead to a place above another: `train.optimizer` of `train.optimizer.sgd`."""
    yield from (each for each in paths if path.startswith(f"{each}."))
