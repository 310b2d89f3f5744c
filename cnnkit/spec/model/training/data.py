"""The data sets of `train:`: one that is known by its name, or files of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, Field, Strict, ValidationError, model_validator

from cnnkit.errors import did_you_mean
from cnnkit.layers.field import Expects
from cnnkit.spec.language.faults import Fault, Faults, faults_of, shown
from cnnkit.spec.model.section import Section
from cnnkit.spec.model.training.part import section
from cnnkit.spec.model.training.tiles import Tiles
from cnnkit.spec.text.scalars import shortened

Name: TypeAlias = Literal[
    "digits", "digit_scenes", "noisy_digits", "mnist", "fashion_mnist", "cifar10"
]
KNOWN: Final[tuple[Name, ...]] = get_args(Name)
"""The data sets that have a name; those of ``digits`` need no file."""

_FOLDER = Expects("the path of a folder, seen from the spec's")
_FILE = Expects("the path of a file, seen from the spec's folder")
Text = Annotated[str, Field(min_length=1)]
Named = Annotated[Mapping[Text, Text], Field(min_length=1)]
"""A text for each input, or for each output, by its name."""
_FOLDERS = Expects("the path of a folder, seen from the spec's, or one for each input by its name")
_MASKS = Expects("the path of a folder, seen from the spec's, or one for each output by its name")
_INPUTS = Expects("the name of an array in the file, or one for each input by its name")
_TARGETS = Expects("the name of an array in the file, or one for each output by its name")
Finite = Annotated[float, Field(allow_inf_nan=False)]
Level = Annotated[int, Field(ge=0, le=255)]
Colour = Annotated[tuple[Level, ...], Strict(False), Field(min_length=3, max_length=3)]
Fit = Literal["cover", "contain", "stretch", "none"]
Background: TypeAlias = Literal["white", "black"] | Colour
_FIT = Expects("`cover`, `contain`, `stretch` or `none`")
_BACKGROUND = Expects("`white`, `black`, or red, green and blue of 0 to 255: [255, 255, 255]")


def ascending(value: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """A range, where its ends are in order."""
    if value is not None and value[0] >= value[1]:
        raise ValueError("does not ascend")
    return value


Ignored = Annotated[
    Annotated[int, Field(ge=0)] | None, Expects("a whole number that is not negative, such as 255")
]


def is_url(place: str) -> bool:
    """Whether a place is a URL, and no path.

    >>> is_url("s3://bucket/pets"), is_url("sets/pets")
    (True, False)
    """
    return "://" in place


def names_in(given: str | Mapping[str, str] | None) -> tuple[str, ...]:
    """The inputs or outputs that something is given for by their names, in sorted order."""
    return tuple(sorted(given)) if isinstance(given, Mapping) else ()


def _unlike(test: str, field: str, given: str | Mapping[str, str] | None) -> Fault:
    """The fault of a test set that is not named as the examples are."""
    names = names_in(given)
    what = f"one for each of {', '.join(f'`{name}`' for name in names)}" if names else "one name"
    form = f"{{{', '.join(f'{name}: …' for name in names)}}}" if names else "…"
    return Fault(
        "wrong-value",
        f"`{test}` is not given as `{field}` is, which has {what}",
        f"write `{test}: {form}`",
        (test,),
    )


class Files(Section):
    """Data in files of the user's own, under the field that they are known by."""

    key: ClassVar[str] = ""

    value_range: Annotated[
        Annotated[tuple[Finite, ...], Strict(False), Field(min_length=2, max_length=2)] | None,
        AfterValidator(ascending),
        Expects("the lowest and the highest value, such as [0, 4095]"),
    ] = Field(
        None,
        description="the values in the files that become 0 and 1; by default the range of a type "
        "of 8 or 16 bits without sign, and other values are taken as they are",
    )


class Pictures(Files):
    """Data in files of images, and how these are decoded."""

    fit: Annotated[Fit, _FIT] = Field(
        "cover",
        description="how an image comes to the extents of the input: resized to cover them and "
        "cut at the centre, resized to fit inside and padded, stretched, or not at all",
    )
    background: Annotated[Background, _BACKGROUND] = Field(
        "white", description="what is seen through transparent pixels, where the input has no alpha"
    )
    damaged: Annotated[Literal["refuse", "skip"], Expects("`refuse` or `skip`")] = Field(
        "refuse",
        description="what is done about files that cannot be decoded; those that are "
        "skipped are listed",
    )


class Images(Pictures):
    """A folder with a folder of images for each class, named after it.

    Where it holds `train` and `test` or their like, these have the class folders and are the data
    set's splits.
    """

    key = "images"

    images: Annotated[Text | Named, _FOLDERS] = Field(
        description="the folder of the class folders; of several inputs a folder each, with files "
        "of the same names"
    )
    test: Annotated[Text | Named | None, _FOLDERS] = Field(
        None, description="another such folder, with the test set"
    )
    masks: Annotated[Text | Named | None, _MASKS] = Field(
        None,
        description="the folder of masks, each named as its image, where the class of each pixel "
        "is asked for: then `images` needs no class folders; of several outputs a folder each",
    )
    targets: Annotated[Text | None, _FOLDER] = Field(
        None,
        description="the folder of the images that are to come out, each named as the one that "
        "goes in: then `images` needs no class folders",
    )
    classes: Annotated[
        Annotated[tuple[Text, ...], Strict(False), Field(min_length=2)]
        | Mapping[Text, Level | Colour]
        | None,
        Expects(
            "a list of names, or a mapping of names to values or colours, `{road: [128, 0, 0]}`"
        ),
    ] = Field(
        None,
        description="the names of the classes in masks: a list in the order of their values, or a "
        "mapping to values of pixels or to colours; by default they are called by their values",
    )
    ignore: Ignored = Field(
        None, description="the value of pixels in masks that count nowhere, such as 255"
    )
    tiles: Annotated[
        Tiles | None,
        section(Tiles, "tiles"),
        Expects("`size` and `overlap`: `{size: 256, overlap: 0.25}`"),
    ] = Field(
        None,
        description="how images that are larger than the input are cut into tiles of it, each with "
        "its mask; by default they are resized",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if faults := list(_mask_faults(self)):
            raise Faults(*faults)
        if self.test is not None and names_in(self.images) != names_in(self.test):
            raise Faults(_unlike("test", "images", self.images))
        return self


def _mask_faults(images: Images) -> Iterator[Fault]:
    """What is of masks alone, where there are none; and what masks do not have."""
    given = [name for name in ("classes", "ignore", "tiles") if getattr(images, name) is not None]
    if images.masks is None and given:
        yield Fault(
            "wrong-value",
            f"`{given[0]}` is about masks, and there are none",
            "say where they are, `masks: FOLDER`, or leave it out",
            (given[0],),
        )
    if images.masks is not None and images.targets is not None:
        yield Fault(
            "wrong-value",
            "`masks` have the class of each pixel, and `targets` its values: a network has one",
            "leave one of them out",
            ("targets",),
        )
    beside = "masks" if images.masks is not None else "targets"
    if getattr(images, beside) is None:
        return
    if images.test is not None:
        yield Fault(
            "wrong-value",
            f"`test` is another folder of class folders, and `{beside}` says that there are none",
            f"put the test set into `test` folders inside of `images` and of `{beside}`",
            ("test",),
        )
    if isinstance(images.images, Mapping):
        yield Fault(
            "wrong-value",
            f"`{beside}` is of the images of one folder, and `images` names several inputs",
            f"save the inputs and the {beside} as arrays, `data: {{arrays: FILE.npz, inputs: "
            f"{{…}}, targets: …}}`",
            (beside,),
        )


class Arrays(Files):
    """A file `.npz` of arrays: examples, their targets, and maybe those of a test set.

    Where the targets have the spatial extents of the network's output, the class of each pixel is
    asked for, or its values.
    """

    key = "arrays"

    arrays: Annotated[Text, _FILE] = Field(description="the file")
    inputs: Annotated[Text | Named | None, _INPUTS] = Field(
        None, description="the array of examples; found by the usual names if left out"
    )
    targets: Annotated[Text | Named | None, _TARGETS] = Field(
        None, description="the array of targets; found by the usual names if left out"
    )
    test_inputs: Annotated[Text | Named | None, _INPUTS] = Field(
        None, description="the examples of the test set, if it has one"
    )
    test_targets: Annotated[Text | Named | None, _TARGETS] = Field(
        None, description="the targets of the test set, if it has one"
    )
    ignore: Ignored = Field(
        None,
        description="the target of pixels that count nowhere, such as 255, where the class of each "
        "pixel is asked for",
    )

    @model_validator(mode="after")
    def _alike(self) -> Self:
        for name in ("inputs", "targets"):
            given, test = getattr(self, name), getattr(self, f"test_{name}")
            if test is not None and names_in(given) != names_in(test):
                raise Faults(_unlike(f"test_{name}", name, given))
        return self


class Csv(Pictures):
    """A table with an example in each line: its target, and its values or the file of its image.

    Values stand in the order of the input's axes. Columns are separated by commas, or in a file
    `.tsv` by tabs; the table may be compressed, `.gz`.
    """

    key = "csv"

    csv: Annotated[Text, _FILE] = Field(description="the file")
    target: Annotated[
        Text | Annotated[int, Field(ge=0)] | Annotated[tuple[Text, ...], Strict(False)] | None,
        Expects("the name or the number of a column, or a list of names"),
    ] = Field(
        None,
        description="the column of the target; if left out the one called `label`, `class`, "
        "`target` or `y`, and the first of a table without a header",
    )
    file: Annotated[
        Text | Annotated[int, Field(ge=0)] | None, Expects("the name or the number of a column")
    ] = Field(
        None,
        description="the column of the files of images; if left out one called `file`, `image`, "
        "`path` or the like that holds such names",
    )
    folder: Annotated[Text | None, _FOLDER] = Field(
        None, description="where the files of images lie; the folder of the table if left out"
    )
    separator: Annotated[Text | None, Expects("a text, such as `|`")] = Field(
        None,
        description="what stands between the labels of an image in one cell, where it has several",
    )
    drop: Annotated[
        tuple[Text | Annotated[int, Field(ge=0)], ...],
        Strict(False),
        Expects("a list of the names or the numbers of columns"),
    ] = Field((), description="columns that are not read, such as those that count the lines")
    test: Annotated[Text | None, _FILE] = Field(
        None, description="another such file, with the test set"
    )


class Packed(Files):
    """A data set that `cnnkit data pack` wrote: shards of records, and an index of them.

    It is what it was packed from, under the same names, with the same classes and splits; what is
    not said here is as it was said there.
    """

    key = "packed"

    packed: Annotated[
        Text, Expects("the path of a folder, seen from the spec's, or a URL such as s3://…")
    ] = Field(description="the folder of the shards and their `index.json`, or its URL")
    fit: Annotated[Fit | None, _FIT] = Field(
        None, description="how an image comes to the extents of the input, as of `images`"
    )
    background: Annotated[Background | None, _BACKGROUND] = Field(
        None, description="what is seen through transparent pixels, as of `images`"
    )


Unpacked: TypeAlias = Name | Images | Arrays | Csv
"""A data set in a form of others."""
Data: TypeAlias = Unpacked | Packed
FILES: Final[dict[str, type[Files]]] = {files.key: files for files in (Images, Arrays, Csv, Packed)}
_EXAMPLES: Final = (
    "`digits`, `{images: FOLDER}`, `{arrays: FILE.npz}`, `{csv: FILE}` or `{packed: FOLDER}`"
)


def read_data(value: object) -> object:
    """The data that plain data names.

    Raises:
        Faults: It names none, or a field of it is wrong.
    """
    if value is None or isinstance(value, Files) or value in KNOWN:
        return value
    if isinstance(value, str):
        near = did_you_mean(value.lower().replace("-", "_"), KNOWN)
        message = f"there is no data set `{shortened(value)}`"
        advice = f"did you mean `{near}`?" if near else _by_name_or_files()
        raise Faults(Fault("wrong-value", message, advice))
    if not isinstance(value, Mapping):
        raise Faults(
            Fault("wrong-type", f"{shown(value)} is no data set", f"write one, {_EXAMPLES}")
        )
    files = next((files for key, files in FILES.items() if key in value), None)
    if files is None:
        key = next(iter(value), None)
        near = did_you_mean(str(key), FILES)
        advice = f"did you mean `{near}`?" if near else f"write one, {_EXAMPLES}"
        at = () if key is None else (str(key),)
        raise Faults(Fault("wrong-value", "`data` names no files", advice, at, bool(at)))
    try:
        return files.model_validate(dict(value))
    except ValidationError as error:
        raise Faults(*faults_of(error, files, "data")) from None


def _by_name_or_files() -> str:
    return f"there are {', '.join(KNOWN)}; files of your own are {_EXAMPLES.partition(', ')[2]}"
