"""The section `train:` as a whole, and what its fields must not say together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, Strict, model_validator

from cnnkit.errors import did_you_mean
from cnnkit.layers.field import Count, Expects
from cnnkit.layers.shape import Shape
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.metric import CHOICES, MetricName
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.augmentation import AUGMENTATIONS, Augmentation
from cnnkit.spec.model.training.data import Data, Images, read_data
from cnnkit.spec.model.training.loss import (
    LOSSES,
    TOGETHER,
    ByOutput,
    CategoricalCrossEntropy,
    Loss,
)
from cnnkit.spec.model.training.objective import not_of_task, read_loss
from cnnkit.spec.model.training.optimizer import (
    OPTIMIZERS,
    Lookahead,
    Nesterov,
    Optimizer,
    ScheduleFree,
)
from cnnkit.spec.model.training.parallel import Parallelism
from cnnkit.spec.model.training.part import NotNegative, Positive, given, section
from cnnkit.spec.model.training.schedule import SCHEDULES, ConstantSchedule, Schedule
from cnnkit.spec.model.training.split import SplitSettings
from cnnkit.spec.model.training.transfer import Frozen, Source, Unfrozen
from cnnkit.spec.model.training.whitening import Whitened
from cnnkit.tasks.metric import default_metric
from cnnkit.tasks.task import Task, narrowed

_DURATION: Final = re.compile(r"(?:(\d{1,6})h)?\s*(?:(\d{1,6})m(?:in)?)?\s*(?:(\d{1,6})s)?")


def duration(value: object) -> object:
    """``90s``, ``30m`` or ``1h30m`` as seconds."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None or not any(match.groups()):
        raise ValueError("is no duration")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(3600 * hours + 60 * minutes + seconds)


Duration = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
    BeforeValidator(duration),
    Expects("a number of seconds, or 90s, 30m, 2h, 1h30m"),
]
Weights = Annotated[
    Literal["balanced"]
    | Annotated[tuple[Positive, ...], Strict(False), Field(min_length=1)]
    | Mapping[str, Positive]
    | None,
    Expects("`balanced`, a list of a number above 0 for each class, or a mapping of class names"),
]


class EarlyStopping(Section):
    """Ends the training where the validation no longer improves."""

    patience: Count = Field(5, description="the epochs without improvement that are waited")
    metric: Annotated[MetricName | None, Expects(CHOICES)] = Field(
        None,
        description="what must improve; `accuracy` where there are classes, else `loss`",
    )
    min_delta: Annotated[float, Field(ge=0), Expects("a number that is not negative")] = Field(
        0.0, description="by how much, at least"
    )


class BoundaryWeights(Section):
    """What the pixels between two things weigh beside their own weight (Ronneberger et al., 2015).

    w0·exp(−(d₁ + d₂)² / 2σ²), of the distances to the two that are nearest.
    """

    w0: Positive = Field(10.0, description="the weight where two things all but touch")
    sigma: Positive = Field(5.0, description="how fast it falls, in pixels")


class Checkpointing(Section):
    """When the state of the training is saved; the best and the last are always kept."""

    every: Count = Field(1, description="the epochs from one checkpoint to the next")
    interval: Duration = Field(None, description="the time after which one is due in any case")
    keep: Count = Field(2, description="how many of the last are kept")


class Train(Section):
    """How a network is trained.

    Attributes:
        data: The data set; a spec without one is checked and not trained.
        learning_rate: A schedule always; a number is a constant one.
    """

    data: Annotated[
        Data | None,
        BeforeValidator(read_data),
        Expects("a data set: `digits`, `{images: FOLDER}`, `{arrays: FILE.npz}`, `{csv: FILE}`"),
    ] = Field(None, description="what the network learns from")
    split: Annotated[
        SplitSettings,
        section(SplitSettings, "split"),
        Expects("`validation`, `test`, `stratify` and `group`: `{validation: 0.15}`"),
    ] = Field(
        SplitSettings.model_construct(validation=0.15, test=0.15, stratify=True),
        description="what is held back, where the data set has no split of its own",
    )
    standardize: Annotated[
        Literal["per_channel", "scale", "none"], Expects("`per_channel`, `scale` or `none`")
    ] = Field(
        "per_channel",
        description="what is done to the inputs: scaled to 0 to 1, then to mean 0 and deviation "
        "1 of each channel over the training split; scaled alone; or nothing",
    )
    init: Source = Field(
        None,
        description="the weights to begin with, matched by path and shape: what does not fit "
        "begins fresh",
    )
    freeze: Frozen = Field(None, description="layers whose weights stay as they are")
    unfreeze: Unfrozen = Field(None, description="when the frozen layers are trained after all")
    whiten: Whitened = Field(
        None, description="the first convolution, which begins as what whitens the patches it sees"
    )
    loss: Annotated[Loss, BeforeValidator(read_loss), LOSSES] = Field(
        CategoricalCrossEntropy.model_construct(),
        description="what training lowers; of several outputs one for each by its name",
    )
    loss_weights: Annotated[
        Mapping[str, NotNegative] | None,
        Expects("a number for each output by its name: `{label: 1, angle: 0.5}`"),
    ] = Field(
        None, description="the weight of each output's loss in their sum; 1 of those left out"
    )
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1), Expects("a number from 0 up to, but not, 1")
    ] = Field(0.0, description="the part of each label that is spread over all classes")
    class_weights: Weights = Field(None, description="the weight of each class in the loss")
    boundary_weights: Annotated[
        BoundaryWeights | None,
        section(BoundaryWeights, "boundary_weights"),
        Expects("`w0` and `sigma`: `{w0: 10, sigma: 5}`"),
    ] = Field(
        None,
        description="the weight in the loss of the pixels between two things that lie close "
        "together, beside that of their class",
    )
    optimizer: Annotated[Optimizer, BeforeValidator(OPTIMIZERS.read), OPTIMIZERS] = Field(
        default_factory=Nesterov,
        description="how the weights follow the gradient",
    )
    learning_rate: Annotated[Schedule, BeforeValidator(SCHEDULES.read), SCHEDULES] = Field(
        default_factory=lambda: ConstantSchedule(peak=0.01), description="how far they follow it"
    )
    epochs: Count = Field(10, description="how often all training examples are seen")
    batch_size: Annotated[
        Annotated[int, Field(gt=0)] | Literal["auto"], Expects("a whole number above 0, or `auto`")
    ] = Field(
        128,
        description="the examples of one step; where it is not said, fewer if an epoch would have "
        "under 20 steps; `auto` takes what memory allows",
    )
    accumulate: Count = Field(1, description="the steps whose gradients make one update")
    ema: Annotated[
        Annotated[float, Field(gt=0, lt=1)] | None, Expects("a number between 0 and 1")
    ] = Field(None, description="decay of a running mean of the weights, which is then evaluated")
    lookahead: Annotated[
        Lookahead | None,
        section(Lookahead, "lookahead"),
        Expects("`sync_period`, `slow_step_size` and `power`: `{sync_period: 5}`"),
    ] = Field(None, description="slow weights, to which the weights return every so often")
    augment: Annotated[
        tuple[Annotated[Augmentation, BeforeValidator(AUGMENTATIONS.read)], ...],
        Strict(False),
        AUGMENTATIONS,
        Expects("a list of augmentations: `[{flip: horizontal}, {shift: 4}]`"),
    ] = Field((), description="random changes of the examples, in this order")
    precision: Annotated[
        Literal["float32", "bfloat16", "auto"], Expects("`float32`, `bfloat16` or `auto`")
    ] = Field(
        "float32",
        description="what is computed in; weights are float32; `auto` takes bfloat16 where the "
        "device multiplies it faster",
    )
    parallel: Annotated[
        Parallelism,
        section(Parallelism, "parallel"),
        Expects("`data`, `shard`, `spatial` and `sync_batch_norm`: `{data: all, shard: 4}`"),
    ] = Field(
        Parallelism.model_construct(data="all", shard=1, spatial=1, sync_batch_norm=True),
        description="how the training is spread over devices",
    )
    early_stopping: Annotated[
        EarlyStopping | None,
        section(EarlyStopping, "early_stopping"),
        Expects("`patience`, `metric` and `min_delta`: `{patience: 5}`"),
    ] = Field(None, description="ends the training where the validation no longer improves")
    time_limit: Duration = Field(None, description="the time after which the training ends")
    checkpoint: Annotated[
        Checkpointing,
        section(Checkpointing, "checkpoint"),
        Expects("`every`, `interval` and `keep`: `{every: 1, keep: 2}`"),
    ] = Field(
        Checkpointing.model_construct(every=1, interval=None, keep=2),
        description="when the state of the training is saved",
    )
    seed: Annotated[int, Field(ge=0, lt=2**32), Expects("a whole number that is not negative")] = (
        Field(0, description="what all random numbers come from")
    )
    target: Annotated[Literal["input"] | None, Expects("`input`")] = Field(
        None,
        description="what the network is to give: `input`, the images that go in, as an "
        "autoencoder does; by default the targets of the data",
    )
    _maps: frozenset[str] = PrivateAttr(frozenset())

    @property
    def compute_precision(self) -> Literal["float32", "bfloat16"]:
        """What is computed in: float32 where it is left to a machine that has not been asked."""
        return "float32" if self.precision == "auto" else self.precision

    @property
    def monitor(self) -> str:
        """The metric of the validation split that says which epoch is the best."""
        if self.early_stopping is not None and self.early_stopping.metric is not None:
            return self.early_stopping.metric
        return self.default_monitor

    @property
    def default_monitor(self) -> str:
        """The metric that says which epoch is the best, where nothing else is asked for."""
        return TOGETHER if isinstance(self.loss, ByOutput) else default_metric(self.tasks)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the targets may be, by the loss and the output of the network.

        Where that is not known it is taken for a vector, unless the loss is of maps alone.
        """
        return narrowed(self.loss.tasks, maps=self.of_maps) or self.loss.tasks

    @property
    def of_maps(self) -> bool:
        """Whether the network, where it is known, answers for each pixel, by any of its outputs."""
        return bool(self._maps)

    def for_outputs(self, shapes: Mapping[str, Shape | None]) -> Self:
        """The recipe of a network that gives these shapes, which say what the targets are."""
        maps = frozenset(name for name, shape in shapes.items() if shape and len(shape) > 1)
        if self._maps == maps:
            return self
        recipe = self.model_copy()
        recipe._maps = maps
        return recipe

    def of_outputs(self) -> Mapping[str, tuple[Train, float]]:
        """The recipe of each of several outputs, and the weight of its loss; empty of one."""
        if not isinstance(self.loss, ByOutput):
            return {}
        weights = self.loss_weights or {}
        found = {}
        for name, loss in self.loss.each.items():
            recipe = self.model_copy(update={"loss": loss})
            recipe._maps = self._maps & {name}
            found[name] = recipe, weights.get(name, 1.0)
        return found

    @property
    def fits_batch(self) -> bool:
        """Whether the size of a batch follows from the data, for it is not said."""
        return "batch_size" not in self.model_fields_set

    @property
    def known_batch(self) -> int:
        """The examples of a step as far as the text says: `auto` takes one at least."""
        return self.batch_size if isinstance(self.batch_size, int) else 1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if faults := list(_contradictions(self)):
            raise Faults(*faults)
        return self

    def written(self) -> dict[str, Any]:
        """The section as a spec says it; what is the default is left out.

        A batch that is said is kept: one that is not is fitted to the data.
        """
        said = {} if self.fits_batch else {"batch_size": self.batch_size}
        return {**given(self), **said}

    def misfits(self, shape: Shape) -> Iterator[Fault]:
        """What does not fit examples of this shape, channels last."""
        for index, augmentation in enumerate(self.augment):
            if fault := augmentation.misfit(shape):
                yield fault.below(("augment", index, augmentation.kind))
        yield from self.parallel.misfits(shape)


def _contradictions(train: Train) -> Iterator[Fault]:
    """What two fields say that cannot both be meant."""
    loss = train.loss.title
    if isinstance(train.loss, ByOutput) or train.loss.compares > 1:
        yield from _of_one_output(train)
    elif not train.loss.of_classes:
        if train.label_smoothing:
            yield _no_classes("label_smoothing", loss)
        if train.class_weights is not None:
            yield _no_classes("class_weights", loss)
        if train.boundary_weights is not None:
            yield _no_classes("boundary_weights", loss)
        for index, augmentation in enumerate(train.augment):
            if augmentation.mixes:
                fault = _no_classes(augmentation.kind, loss)
                yield fault._replace(field=("augment", index, augmentation.kind))
    if train.target is not None and train.loss.of_classes:
        yield Fault(
            "wrong-value",
            f"`target: {train.target}` asks for values, and {loss} compares classes",
            "take a loss of values, such as `mean_squared_error`, or leave `target` out",
            ("target",),
        )
    pairs = isinstance(train.data, Images) and train.data.targets is not None
    if pairs and train.loss.of_classes:
        yield Fault(
            "wrong-value",
            f"`targets` are images, which have values, and {loss} compares classes",
            "take a loss of values, such as `mean_squared_error`, or name masks, `masks: FOLDER`",
            ("data", "targets"),
        )
    if train.loss_weights is not None and not isinstance(train.loss, ByOutput):
        yield Fault(
            "wrong-value",
            f"`loss_weights` weighs the losses of several outputs, and `loss` is `{loss}` alone",
            "leave it out, or give each output its loss: `loss: {label: …, angle: …}`",
            ("loss_weights",),
        )
    if misfit := not_of_task(train.monitor, train.loss):
        yield Fault(
            "wrong-value",
            f"`early_stopping` watches `{train.monitor}`, and {misfit}",
            f"write `metric: {train.default_monitor}`",
            ("early_stopping", "metric"),
        )
    if train.early_stopping is not None and train.split.validation == 0:
        yield Fault(
            "wrong-value",
            "`early_stopping` watches the validation, and `split` has `validation: 0`",
            "hold some examples back, `split: {validation: 0.15}`, or leave `early_stopping` out",
            ("early_stopping",),
        )
    if train.unfreeze is not None and train.freeze is None:
        yield Fault(
            "wrong-value",
            "`unfreeze` says when frozen layers are trained, and no layer is frozen",
            "say which are, `freeze: [layers.stem]`, or leave `unfreeze` out",
            ("unfreeze",),
        )
    parts = train.parallel.batch_parts
    if not train.fits_batch and isinstance(train.batch_size, int) and train.batch_size % parts:
        yield Fault(
            "wrong-value",
            train.parallel.not_cut(train.batch_size),
            f"make `batch_size` a multiple of {parts}",
            ("batch_size",),
        )
    if isinstance(train.optimizer, ScheduleFree):
        yield from _of_one_rate(train)
        if not isinstance(train.learning_rate, ConstantSchedule):
            yield Fault(
                "wrong-value",
                f"`{train.optimizer.kind}` needs no schedule, and `learning_rate` is "
                f"`{train.learning_rate.kind}`",
                "write a number, or one with a warm-up: `{constant: {peak: 0.01, warmup: 2}}`",
                ("learning_rate",),
            )
        for field in ("ema", "lookahead"):
            if getattr(train, field) is not None:
                yield Fault(
                    "wrong-value",
                    f"`{train.optimizer.kind}` averages the weights already, and `{field}` would "
                    "again",
                    f"leave `{field}` out",
                    (field,),
                )


def _of_one_output(train: Train) -> Iterator[Fault]:
    """What is said of one target that is a class, where the loss is of several outputs."""
    loss, advice = train.loss, "leave it out"
    what = f"`{loss.kind}` compares outputs" if loss.compares > 1 else "`loss` is of several"
    if train.label_smoothing and (loss.compares > 1 or not loss.of_classes):
        yield Fault(
            "wrong-value",
            f"`label_smoothing` is of classes, and {what}",
            advice,
            ("label_smoothing",),
        )
    for field in ("class_weights", "boundary_weights"):
        if getattr(train, field) is not None:
            message = f"`{field}` is of the classes of one output, and {what}"
            yield Fault("wrong-value", message, advice, (field,))
    for index, augmentation in enumerate(train.augment):
        if augmentation.mixes:
            yield Fault(
                "wrong-value",
                f"`{augmentation.kind}` mixes the classes of one output, and {what}",
                advice,
                ("augment", index, augmentation.kind),
            )
    known = loss.each if isinstance(loss, ByOutput) else {}
    for name in (train.loss_weights or {}) if known else ():
        if name not in known:
            named = ", ".join(f"`{each}`" for each in known)
            yield Fault(
                "unknown-key",
                f"`loss_weights` has `{name}`, and `loss` names {named}",
                f"did you mean `{near}`?" if (near := did_you_mean(name, known)) else advice,
                ("loss_weights", name),
                True,
            )


def _of_one_rate(train: Train) -> Iterator[Fault]:
    """What a method cannot do whose average weighs all steps by one rate."""
    kind = train.optimizer.kind
    for said, field in (
        (train.learning_rate.layers, ("learning_rate", "layers")),
        (train.unfreeze, ("unfreeze",)),
    ):
        if said:
            yield Fault(
                "wrong-value",
                f"`{kind}` averages over all its steps by one rate, and `{field[-1]}` gives parts "
                f"of the network another",
                f"leave `{field[-1]}` out, or take another optimizer, such as `adamw`",
                field,
            )


def _no_classes(field: str, loss: str) -> Fault:
    return Fault(
        "wrong-value",
        f"`{field}` is of classes, and {loss} has none: its targets are numbers",
        f"leave `{field}` out, or take a loss of classes, such as `categorical_cross_entropy`",
        (field,),
    )
