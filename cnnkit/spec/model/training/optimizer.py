"""The optimizers of `train:`. Names, parameters and defaults are Optax's.

Weight decay is of two sorts: that of the plain methods is the gradient of an L2 penalty and is
added to the gradient before the method sees it, as in PyTorch; where the published method
decouples it (AdamW and those after it) it is added to the step.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from cnnkit.layers.field import Count, Expects, Flag
from cnnkit.spec.language.faults import Fault, Faults
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.part import Decay, NotNegative, Part, Positive, Variant, by_name

_MOMENTS: dict[str, str] = {
    "beta1": "b1",
    "beta_1": "b1",
    "beta2": "b2",
    "beta_2": "b2",
    "betas": "b1",
    "eps": "epsilon",
    "wd": "weight_decay",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
}
Steps = Annotated[int, Field(ge=1, le=20), Expects("a whole number from 1 to 20")]


class Optimizer(Part):
    """How the weights follow the gradient.

    Attributes:
        decays_itself: Whether the method takes the weight decay, as those do that decouple it from
            the gradient; else it is added to the gradient.
    """

    decays_itself: ClassVar[bool] = False
    field_aliases = _MOMENTS
    beside: ClassVar = {
        "learning_rate": "learning_rate",
        "lr": "learning_rate",
        "warmup": "learning_rate",
        "schedule": "learning_rate",
        "accumulate": "accumulate",
        "ema": "ema",
    }

    weight_decay: NotNegative = Field(0.0, description="the pull of the weights towards 0")
    decay_biases_and_norms: Flag = Field(
        False,
        description="whether biases, scales and shifts of normalizations, and slopes decay too",
    )
    clip_norm: Positive | None = Field(
        None, description="the norm of all gradients together that is not exceeded"
    )
    clip_value: Positive | None = Field(
        None, description="the size of each gradient element that is not exceeded"
    )


Beta = Annotated[float, Field(ge=0, lt=1), Expects("a number from 0 up to, but not, 1")]


class Sgd(Optimizer):
    """Stochastic gradient descent."""

    kind = "sgd"

    momentum: Decay = Field(0.0, description="the part of the last step that is kept")
    nesterov: Flag = Field(False, description="whether the gradient is taken after the momentum")

    @model_validator(mode="after")
    def _momentum_to_look_ahead_with(self) -> Self:
        if self.nesterov and not self.momentum:
            raise Faults(
                Fault(
                    "wrong-value",
                    f"`{self.kind}` has `nesterov: true` and no momentum to look ahead with",
                    "add `momentum: 0.9`, or leave `nesterov` out",
                    ("nesterov",),
                )
            )
        return self


class Momentum(Sgd):
    """Gradient descent with momentum (Polyak, 1964)."""

    kind = "momentum"

    momentum: Decay = Field(0.9, description="the part of the last step that is kept")


class Nesterov(Momentum):
    """Gradient descent with momentum that looks ahead (Nesterov, 1983)."""

    kind = "nesterov"

    nesterov: Flag = Field(True, description="whether the gradient is taken after the momentum")


class MomentOptimizer(Optimizer):
    """A method that keeps running means of the gradient and of its square."""

    b1: Beta = Field(0.9, description="decay of the mean of gradients")
    b2: Beta = Field(0.999, description="decay of the mean of their squares")
    epsilon: NotNegative = Field(1e-8, description="what is added to the divisor")


class Adam(MomentOptimizer):
    """Adam (Kingma and Ba, 2015)."""

    kind = "adam"


class AdamW(MomentOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind = "adamw"
    decays_itself = True

    weight_decay: NotNegative = Field(1e-4, description="the pull of the weights towards 0")


class Nadam(MomentOptimizer):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    kind = "nadam"


class NadamW(AdamW):
    """Adam with Nesterov's momentum and decoupled weight decay."""

    kind = "nadamw"


class Adamax(MomentOptimizer):
    """Adam by the maximum norm (Kingma and Ba, 2015)."""

    kind = "adamax"


class Amsgrad(MomentOptimizer):
    """Adam whose step never grows again (Reddi et al., 2018)."""

    kind = "amsgrad"


class Radam(MomentOptimizer):
    """Rectified Adam, which needs no warm-up (Liu et al., 2020)."""

    kind = "radam"

    threshold: Positive = Field(5.0, description="the length from which the variance is trusted")


class Adabelief(MomentOptimizer):
    """Adam by the surprise in the gradient (Zhuang et al., 2020)."""

    kind = "adabelief"

    epsilon: NotNegative = Field(1e-16, description="what is added to the divisor")


class Yogi(MomentOptimizer):
    """Adam whose second moment grows slowly (Zaheer et al., 2018)."""

    kind = "yogi"

    epsilon: NotNegative = Field(1e-3, description="what is added to the divisor")


class Rmsprop(Optimizer):
    """RMSProp (Tieleman and Hinton, 2012)."""

    kind = "rmsprop"
    field_aliases: ClassVar = {**_MOMENTS, "rho": "decay", "alpha": "decay"}

    decay: Decay = Field(0.9, description="decay of the mean of squared gradients")
    epsilon: NotNegative = Field(1e-8, description="what is added to the divisor")
    momentum: Decay = Field(0.0, description="the part of the last step that is kept")
    nesterov: Flag = Field(False, description="whether the gradient is taken after the momentum")
    centered: Flag = Field(False, description="whether the mean gradient is taken off first")


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., 2011)."""

    kind = "adagrad"

    initial_accumulator_value: NotNegative = Field(
        0.1, description="the sum of squares before the first step"
    )
    epsilon: NotNegative = Field(1e-7, description="what is added to the divisor")


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012)."""

    kind = "adadelta"

    rho: Decay = Field(0.9, description="decay of the means")
    epsilon: NotNegative = Field(1e-6, description="what is added to the divisor")


class Lamb(MomentOptimizer):
    """Adam with a step of its own for each layer, for large batches (You et al., 2020)."""

    kind = "lamb"
    decays_itself = True

    epsilon: NotNegative = Field(1e-6, description="what is added to the divisor")


class Lars(Optimizer):
    """Momentum with a step of its own for each layer, for large batches (You et al., 2017)."""

    kind = "lars"
    decays_itself = True

    momentum: Decay = Field(0.9, description="the part of the last step that is kept")
    nesterov: Flag = Field(False, description="whether the gradient is taken after the momentum")
    trust_coefficient: Positive = Field(
        0.001, description="the step as a part of a layer's weights"
    )


class Lion(Optimizer):
    """The sign of a mixed momentum (Chen et al., 2023)."""

    kind = "lion"
    decays_itself = True

    b1: Beta = Field(0.9, description="share of the momentum in the step")
    b2: Beta = Field(0.99, description="decay of the momentum")
    weight_decay: NotNegative = Field(1e-3, description="the pull of the weights towards 0")


class Muon(Optimizer):
    """Momentum made orthogonal (Jordan et al., 2024); AdamW for what is no kernel.

    A convolution's kernel is orthogonalised as the matrix from its window and inputs to its
    filters.
    """

    kind = "muon"
    decays_itself = True
    field_aliases: ClassVar = {**_MOMENTS, "momentum": "beta"}

    beta: Beta = Field(0.95, description="decay of the momentum")
    nesterov: Flag = Field(True, description="whether the gradient is taken after the momentum")
    ns_steps: Steps = Field(5, description="steps of the Newton-Schulz iteration")
    adam_b1: Beta = Field(0.9, description="`b1` of AdamW, for biases and normalizations")
    adam_b2: Beta = Field(0.999, description="`b2` of AdamW, for biases and normalizations")


class ScheduleFree(Optimizer):
    """A method without a schedule: it trains at one point and is evaluated at another.

    Averaging takes the place of the decay (Defazio et al., 2024), so that the learning rate is
    one number, best with a warm-up.
    """

    b1: Annotated[float, Field(gt=0, lt=1), Expects("a number between 0 and 1")] = Field(
        0.9, description="how near to the average the gradient is taken"
    )
    weight_lr_power: NotNegative = Field(
        2.0, description="power of the learning rate in the weights of the average"
    )


class ScheduleFreeSgd(ScheduleFree):
    """Gradient descent without a schedule (Defazio et al., 2024)."""

    kind = "schedule_free_sgd"


class ScheduleFreeAdamW(ScheduleFree):
    """AdamW without a schedule (Defazio et al., 2024)."""

    kind = "schedule_free_adamw"
    decays_itself = True

    b2: Beta = Field(0.999, description="decay of the mean of squared gradients")
    epsilon: NotNegative = Field(1e-8, description="what is added to the divisor")


class Lookahead(Section):
    """Slow weights, to which those of any method return every so often (Zhang et al., 2019).

    slow ← slow + s·(fast − slow), and fast ← slow. Where `power` is above 0, s falls from 1 to
    `slow_step_size` as that power of the training that is done.
    """

    sync_period: Count = Field(5, description="the updates after which they return")
    slow_step_size: Annotated[float, Field(gt=0, le=1), Expects("a number above 0, at most 1")] = (
        Field(0.5, description="how far the slow weights go towards the fast ones")
    )
    power: NotNegative = Field(
        0.0, description="0: always so far; else it begins at 1 and falls as this power of time"
    )


OPTIMIZERS = Variant(
    "optimizer",
    by_name(
        Sgd,
        Momentum,
        Nesterov,
        Adam,
        AdamW,
        Nadam,
        NadamW,
        Adamax,
        Amsgrad,
        Radam,
        Adabelief,
        Yogi,
        Rmsprop,
        Adagrad,
        Adadelta,
        Lamb,
        Lars,
        Lion,
        Muon,
        ScheduleFreeSgd,
        ScheduleFreeAdamW,
    ),
    "`adam`, or by its name with fields, `{sgd: {momentum: 0.9}}`",
    {
        "schedule_free": "schedule_free_adamw",
        "adam_w": "adamw",
        "schedulefree": "schedule_free_sgd",
    },
)
