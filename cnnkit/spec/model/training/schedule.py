"""The learning rates of `train:`: a number, or a schedule over the epochs.

The unit of time is the epoch, whole or not, so that a schedule does not change its meaning with
the size of the batch. The rate changes at each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, PrivateAttr, Strict, model_validator

from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.training.part import NotNegative, Part, Positive, Variant, by_name
from cnnkit.spec.model.training.transfer import multiples

_HEAD: Final = "layers.head"
FIND: Final = "find"
"""Stands for a rate that a range test finds before the training."""

Rate = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["find"],
    Expects("a number above 0, or `find`"),
]
Epochs = Annotated[
    float, Field(ge=0, allow_inf_nan=False), Expects("a number of epochs, such as 2 or 0.5")
]
Milestones = Annotated[
    tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...],
    Strict(False),
    Field(min_length=1),
    Expects("a list of epochs, such as [60, 120, 160]"),
]
_ALIASES: dict[str, str] = {
    "value": "peak",
    "rate": "peak",
    "initial": "peak",
    "learning_rate": "peak",
    "init_value": "peak",
    "max_lr": "peak",
    "warmup_epochs": "warmup",
    "gamma": "factor",
}


class Schedule(Part):
    """The learning rate over the epochs; ``peak`` is its largest."""

    scalar_field: ClassVar[str | None] = "peak"
    field_aliases = _ALIASES

    peak: Rate = Field(description="the largest learning rate")
    # Not a field, as it stands beside the schedule's name and not among what that says.
    _layers: Mapping[str, float] = PrivateAttr(default_factory=dict)

    @property
    def layers(self) -> Mapping[str, float]:
        """By patterns of layers, the multiples of this rate that they are trained with."""
        return self._layers

    def with_layers(self, layers: Mapping[str, float]) -> Self:
        """This schedule with multiples of it for some layers."""
        copy = self.model_copy()
        copy._layers = layers
        return copy

    def written(self) -> Any:
        """The schedule as a spec says it, and beside it the layers with a rate of their own."""
        written = super().written()
        if not self._layers:
            return written
        rates = {pattern: f"{factor:g}x" for pattern, factor in self._layers.items()}
        named = written if isinstance(written, Mapping) else {self.kind: written}
        return {**named, "layers": rates}

    @property
    def finds(self) -> bool:
        """Whether the peak is yet to be found by a range test."""
        return self.peak == FIND

    @property
    def highest(self) -> float:
        """The peak as a number.

        Raises:
            ValueError: It is yet to be found by a range test.
        """
        if self.finds:
            raise ValueError("the learning rate is yet to be found: see `Schedule.found`")
        return float(self.peak)

    def found(self, peak: float) -> Schedule:
        """This schedule with the peak that a range test has found."""
        return self.model_copy(update={"peak": peak}) if self.finds else self


class Warmed(Schedule):
    """A schedule that may begin with a warm-up, linear from 0 to the peak."""

    warmup: Epochs = Field(0.0, description="the epochs in which the rate rises from 0 to the peak")


class ConstantSchedule(Warmed):
    """One rate all the time."""

    kind = "constant"

    def written(self) -> Any:
        """A number where nothing else is to be said."""
        return super().written() if self.warmup or self.layers else self.peak


class CosineSchedule(Warmed):
    """Down half a cosine, from the peak to the end (Loshchilov and Hutter, 2017)."""

    kind = "cosine"

    end: NotNegative = Field(0.0, description="the rate after the last epoch")


class LinearSchedule(Warmed):
    """Down a straight line, from the peak to the end."""

    kind = "linear"

    end: NotNegative = Field(0.0, description="the rate after the last epoch")


class PolynomialSchedule(Warmed):
    """From the peak to the end as a power of the time that is left."""

    kind = "polynomial"

    power: Positive = Field(2.0, description="the power; 1 is a straight line")
    end: NotNegative = Field(0.0, description="the rate after the last epoch")


class ExponentialSchedule(Warmed):
    """Multiplied by the same factor each epoch, in small parts at each step."""

    kind = "exponential"

    factor: Annotated[float, Field(gt=0, lt=1), Expects("a number between 0 and 1")] = Field(
        0.95, description="what each epoch multiplies the rate by"
    )


class StepSchedule(Warmed):
    """Multiplied by a factor at some epochs, and constant between them."""

    kind = "step"
    scalar_field = None
    field_aliases: ClassVar = {**_ALIASES, "milestones": "at", "step_size": "every"}

    factor: Annotated[float, Field(gt=0, lt=1), Expects("a number between 0 and 1")] = Field(
        0.1, description="what the rate is multiplied by"
    )
    at: Milestones | None = Field(None, description="the epochs after which it is")
    every: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, Expects("a number of epochs")
    ] = Field(None, description="the epochs from one time to the next, in place of `at`")

    @model_validator(mode="after")
    def _one_of_at_and_every(self) -> Self:
        if (self.at is None) == (self.every is None):
            said = "neither `at` nor `every`" if self.at is None else "both `at` and `every`"
            raise Faults(
                Fault(
                    "missing-field" if self.at is None else "wrong-value",
                    f"`step` has {said}",
                    "say when the rate falls: `at: [30, 60]`, or `every: 30`",
                    () if self.at is None else ("every",),
                )
            )
        if self.at is not None and list(self.at) != sorted(set(self.at)):
            raise Faults(
                Fault("wrong-value", "`at` does not rise", "write the epochs in order", ("at",))
            )
        return self


class OneCycleSchedule(Schedule):
    """Up to the peak, and down far below where it began (Smith, 2018)."""

    kind = "one_cycle"
    field_aliases: ClassVar = {**_ALIASES, "pct_start": "rise", "max_lr": "peak"}

    rise: Annotated[float, Field(gt=0, lt=1), Expects("a number between 0 and 1")] = Field(
        0.3, description="the part of the training in which the rate rises"
    )
    div_factor: Positive = Field(25.0, description="the peak over the first rate")
    final_div_factor: Positive = Field(1e4, description="the first rate over the last")


class _RateOrSchedule(Variant):
    """A number or `find`, which are constant rates, or a schedule."""

    def read(self, value: object) -> Part:
        """The schedule that plain data says, with the rates of layers that stand beside it."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number or value == FIND:
            return super().read({"constant": value})
        if not isinstance(value, Mapping) or "layers" not in value:
            return super().read(value)
        schedule = {name: fields for name, fields in value.items() if name != "layers"}
        if not schedule:
            message = "`learning_rate` has multiples for `layers`, and no rate that they multiply"
            advice = f"write it beside them: `{{constant: 0.01, layers: {{{_HEAD}: 10x}}}}`"
            raise Faults(Fault("missing-field", message, advice))
        layers = multiples(value["layers"])
        read = super().read(schedule)
        return read.with_layers(layers) if isinstance(read, Schedule) else read


SCHEDULES: Final = _RateOrSchedule(
    "schedule",
    by_name(
        ConstantSchedule,
        CosineSchedule,
        LinearSchedule,
        PolynomialSchedule,
        ExponentialSchedule,
        StepSchedule,
        OneCycleSchedule,
    ),
    "`{cosine: {peak: 0.1, warmup: 2}}`, or a number, or `find`",
    {"onecycle": "one_cycle", "multistep": "step", "cosine_annealing": "cosine"},
)
