"""The Pydantic models of a whole spec. They serve a text and a spec built in Python alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, Strict, model_validator

from cnnkit.errors import Finding
from cnnkit.layers.base import Layer
from cnnkit.layers.field import Expects, Rounding
from cnnkit.layers.shape import show
from cnnkit.spec.model.section import TOTALS, Section
from cnnkit.spec.text.limits import MAX_INTEGER_DIGITS
from cnnkit.spec.text.node import YamlNode

if TYPE_CHECKING:
    from cnnkit.spec.model.training import Train
else:
    Train = Any  # its models are loaded where a spec has `train:`, by its validator

SECTIONS = (
    "cnnkit",
    "name",
    "about",
    "extends",
    "input",
    "inputs",
    "rounding",
    "variables",
    "defaults",
    "blocks",
    "layers",
    "expect",
    "budget",
    "rules",
    "train",
    "search",
)
"""The keys of a spec, in the order in which they are best written."""

UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
"""What may stand behind the number of a quantity."""
_QUANTITY = re.compile(r"(\d{1,40})(?:\.(\d{1,20}))?\s*([A-Za-z]*)")
_SHAPE = re.compile(r"\s*[0-9]+(\s*[x×]\s*[0-9]+)*\s*")
_OPEN_SHAPE = re.compile(r"(([A-WYZa-wyz]|[1-9][0-9]*)\s*[x×]\s*){1,3}[1-9][0-9]*")


def quantity(value: object) -> object:
    """``10k``, ``1.5M`` or ``2MiB`` as the whole number it stands for."""
    if not isinstance(value, str):
        return value
    match = _QUANTITY.fullmatch(value.strip())
    unit = UNITS.get(match[3]) if match else None
    if match is None or unit is None:
        raise ValueError("is no quantity")
    decimals = match[2] or ""
    scaled, rest = divmod(int(match[1] + decimals) * unit, 10 ** len(decimals))
    if rest:
        raise ValueError("is not a whole number")
    return scaled


def shape(value: object) -> object:
    """``32x32x3``, ``150`` or ``[32, 32, 3]`` as a tuple."""
    if isinstance(value, str):
        if not _SHAPE.fullmatch(value):
            opened = _OPEN_SHAPE.fullmatch(value.strip())
            raise ValueError(
                "has open extents, which only `analyze` takes, of a single `input`"
                if opened
                else "is no shape"
            )
        extents = [part.strip() for part in re.split("[x×]", value)]
        if max(map(len, extents)) > MAX_INTEGER_DIGITS:
            raise ValueError(f"has an extent of more than {MAX_INTEGER_DIGITS} digits")
        return tuple(map(int, extents))
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def shapes(value: object) -> object:
    """A shape, or one for each name."""
    if isinstance(value, Mapping):
        return {name: shape(each) for name, each in value.items()}
    return shape(value)


def known_shape(value: object) -> tuple[int, ...] | None:
    """The extents of an input as it is written; None where it is none."""
    try:
        extents = shape(value)
    except ValueError:
        return None
    if not isinstance(extents, tuple) or not 1 <= len(extents) <= 4:
        return None
    return extents if all(type(each) is int and each > 0 for each in extents) else None


def training(value: object) -> object:
    """The section `train:` from plain data."""
    if value is None:
        return None
    from cnnkit.spec.model.training import Train

    return Train.model_validate(value)


Extent = Annotated[int, Field(gt=0, le=10**40)]
InputShape = Annotated[
    Annotated[tuple[Extent, ...], Field(min_length=1, max_length=4)],
    BeforeValidator(shape),
    Expects(
        "up to 3 spatial extents, then the channels: 32x32x3 or [32, 32, 3]; 150 is a vector, "
        "100x1 a signal"
    ),
]
InputShapes = Annotated[
    dict[str, InputShape],
    Expects("a shape for each input by its name: {image: 224x224x3, depth: 224x224x1}"),
]
OutputShape = Annotated[
    tuple[Extent, ...] | dict[str, tuple[Extent, ...]] | None,
    BeforeValidator(shapes),
    Expects("a shape, such as 7x7x512 or [10], or one for each output: {mask: 256x256x2}"),
]
Quantity = Annotated[
    Annotated[int, Field(ge=0)] | None,
    BeforeValidator(quantity),
    Expects("a whole number, also with a unit: 10k, 5M, 1.5G, 512KiB, 1MiB, 2GiB"),
]
Names = Annotated[tuple[str, ...], Strict(False), Expects("a list of rule names")]


class TotalsSection(Section):
    """A figure for any of the totals."""

    neurons: Quantity = Field(None, description="output elements that have connection weights")
    parameters: Quantity = Field(None, description="trainable weights and biases")
    state: Quantity = Field(None, description="running statistics, and weights that are not learnt")
    macs: Quantity = Field(None, description="multiply-accumulates of one example")
    macs_without_heads: Quantity = Field(None, description="the same without heads")
    flops: Quantity = Field(None, description="twice the MACs")
    activations: Quantity = Field(None, description="output elements of all layers")
    inference_memory: Quantity = Field(None, description="bytes while one example is predicted")
    weight_memory: Quantity = Field(None, description="bytes of weights while it is predicted")
    activation_memory: Quantity = Field(
        None, description="bytes of tensors live at once while it is predicted, at the peak"
    )
    memory_traffic: Quantity = Field(
        None, description="bytes read and written while it is predicted"
    )
    training_memory: Quantity = Field(None, description="bytes while it is trained on")

    def figures(self) -> dict[str, int]:
        """The totals that are given."""
        return {name: value for name in TOTALS if (value := getattr(self, name)) is not None}


class Expect(TotalsSection):
    """What the analysis must give, exactly."""

    output: OutputShape = Field(None, description="the shape that goes out")
    findings: Annotated[Names | None, Expects("a list of rule names")] = Field(
        None, description="the rules that a spec which shows a fault breaks on purpose"
    )


class Budget(TotalsSection):
    """What the analysis must not exceed; memory for training is of a batch of the recipe."""


class Rules(Section):
    """The levels of rules for this spec."""

    ignore: Names = Field((), description="rules that are not applied")
    warning: Names = Field((), description="rules whose findings are warnings")
    error: Names = Field((), description="rules whose findings are errors")


def _search(value: object) -> object:
    """The section `search:`; only a spec that has one pays for its models."""
    if value is None:
        return None
    from cnnkit.spec.model.search import Search

    return Search.model_validate(value)


if TYPE_CHECKING:
    from cnnkit.spec.model.search import Search as SearchSection
else:
    SearchSection = Annotated[Any, BeforeValidator(_search)]


class Origin(NamedTuple):
    """Where a spec was read.

    Attributes:
        file: The name of its file.
        findings: The faults of its text; a layer with one is not readable.
        document: The text as nodes, with `extends:` and overrides put in.
    """

    file: str | None = None
    findings: tuple[Finding, ...] = ()
    document: YamlNode | None = None


class Spec(Section):
    """A network: an input shape, or several by name, and a stack of layers.

    >>> from cnnkit.layers.convolution import Conv
    >>> Spec(input="32x32x3", layers=[Conv(filters=3, kernel=7)]).input
    (32, 32, 3)

    Attributes:
        name: What reports call the network.
        about: What the network shows, for whoever reads its analysis.
        input: The shape of one example, channels last; of several inputs that of the first.
        inputs: The shape of each input by its name; empty where there is one without a name.
        layers: The layers, with all variables and blocks put in.
        rounding: What an output extent that is no integer is, where a layer leaves it open.
        expect: Totals and findings that `cnnkit check` holds the analysis to.
        budget: Upper bounds that `cnnkit check` holds the analysis to.
        rules: Levels of rules.
        train: How the network is trained.
        search: The section `search:`: what a search varies, and how it goes about it.
    """

    __slots__ = ("__origin__",)  # no field: two specs that say the same are equal

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: Annotated[str | None, Expects("a name")] = Field(None, description="the network's name")
    about: Annotated[str | None, Expects("a text")] = Field(
        None, description="what the network shows, printed above its analysis"
    )
    input: InputShape = Field(description="the shape of one example, channels last")
    inputs: InputShapes = Field(
        {}, description="the shape of each input by its name, in place of `input`"
    )
    layers: Annotated[tuple[InstanceOf[Layer], ...], Strict(False), Expects("a list of layers")] = (
        Field(description="the layers, first to last")
    )
    rounding: Annotated[Rounding, Expects("`exact`, `floor` or `ceil`")] = Field(
        "exact", description="what an output extent that is no integer is, unless a layer says"
    )
    expect: Expect | None = Field(None, description="totals that must come out, exactly")
    budget: Budget | None = Field(None, description="totals that must not be exceeded")
    rules: Rules = Field(Rules.model_construct(), description="levels of rules for this spec")
    train: Annotated[Train | None, BeforeValidator(training), Expects("the fields of training")] = (
        Field(None, description="how the network is trained")
    )
    search: Annotated[SearchSection | None, Expects("a space for each path")] = Field(
        None, description="what a hyperparameter search varies"
    )
    sections: ClassVar[dict[str, type[Section]]] = {
        "expect": Expect,
        "budget": Budget,
        "rules": Rules,
    }

    @model_validator(mode="before")
    @classmethod
    def _first_input(cls, given: Any) -> Any:
        """The first of several inputs is the one that the stack begins with."""
        if not isinstance(given, dict) or not given.get("inputs"):
            return given
        if "input" in given:
            raise ValueError("a spec has `input` or `inputs`, not both")
        if not isinstance(given["inputs"], dict):
            return given | {"input": (1,)}  # what `inputs` is instead is reported of itself
        return given | {"input": next(iter(given["inputs"].values()))}

    def sized(self, extents: tuple[int, ...]) -> Spec:
        """This spec for other extents of the first input, and of those that have its extents."""
        inputs = {
            name: (*extents, shape[-1]) if shape[:-1] == self.input[:-1] else shape
            for name, shape in self.inputs.items()
        }
        return self.model_copy(update={"input": (*extents, self.input[-1]), "inputs": inputs})

    @property
    def origin(self) -> Origin:
        """Where the spec was read; empty for one built in Python."""
        try:  # not by `getattr`, which Pydantic makes slow for what is not there
            origin: Origin = object.__getattribute__(self, "__origin__")
        except AttributeError:
            return Origin()
        return origin

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain data, all variables and expressions put in; ``load`` reads it.

        A layer that `when` left out is no longer there, so those after it move up in their paths.
        `search:` is not among the sections: the variables and blocks that its paths lead to are
        put in, and so no longer there.

        Raises:
            SpecError: A layer is not readable.
        """
        from cnnkit.spec.model.writing import plain, written

        layers, blocks = written(self.layers, self.origin.findings)
        sections = {
            "name": plain(self.name),
            "about": plain(self.about),
            "input": None if self.inputs else show(self.input),
            "inputs": {name: show(shape) for name, shape in self.inputs.items()},
            "rounding": self.rounding if self.rounding != "exact" else None,
            "blocks": blocks,
            "layers": layers,
            "expect": self.expect and plain(self.expect.model_dump(exclude_none=True)),
            "budget": self.budget and plain(self.budget.model_dump(exclude_none=True)),
            "rules": plain(self.rules.model_dump(exclude_defaults=True)),
            "train": self.train and plain(self.train.written()),
        }
        return {key: value for key, value in sections.items() if value or key == "layers"}

    def read_from(self, origin: Origin) -> Spec:
        """This spec, knowing where it was read."""
        object.__setattr__(self, "__origin__", origin)
        return self
