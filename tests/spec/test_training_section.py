"""The section `train:`: what it says, and the findings of what it must not say."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import cnnkit
from cnnkit.errors import Finding
from cnnkit.spec.model.spec import Spec
from cnnkit.spec.model.training import Arrays, Csv, EarlyStopping, Images, SplitSettings, Train
from cnnkit.spec.model.training.augmentation import AUGMENTATIONS, Flip, Shift
from cnnkit.spec.model.training.loss import LOSSES, Focal
from cnnkit.spec.model.training.optimizer import OPTIMIZERS, Momentum, Nesterov, Sgd
from cnnkit.spec.model.training.schedule import (
    SCHEDULES,
    ConstantSchedule,
    CosineSchedule,
    OneCycleSchedule,
    StepSchedule,
)
from cnnkit.spec.reading import read, read_from_text

ROOT = Path(__file__).parents[2]
HEAD = "input: 28x28x1\nlayers: [flatten, {dense: {units: 10}}]\n"
ONE_PAIR = (
    "write `group: '(patient[0-9]+)_'`, with `(?:…)` around all else; or a table, `group: FILE.csv`"
)
DOCUMENTED = """\
train:
  data: digits
  split: {validation: 0.15, test: 0.15, stratify: true}
  loss: categorical_cross_entropy
  optimizer: {sgd: {momentum: 0.9, nesterov: true, weight_decay: 5e-4}}
  learning_rate: {cosine: {peak: 0.1, warmup: 2}}
  epochs: 20
  batch_size: 128
  augment: [{flip: horizontal}, {shift: 4}]
  precision: float32
  early_stopping: {patience: 5}
  seed: 0
"""


def train(text: str) -> Train:
    """The section of a text without findings."""
    reading = read_from_text(HEAD + text, "spec.yaml")
    assert reading.findings == ()
    assert reading.spec is not None
    assert reading.spec.train is not None
    return reading.spec.train


def fault(section: str) -> Finding:
    """The one finding of a section, of the text between guillemets."""
    text = HEAD + section
    start = text.index("«")
    plain = text.replace("«", "").replace("»", "")
    (finding,) = read_from_text(plain, "spec.yaml").findings
    assert finding.location is not None
    before = text[:start]
    at = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert (finding.location.line, finding.location.column) == at, finding
    assert finding.level == "error"
    return finding


def test_the_documented_section() -> None:
    assert train(DOCUMENTED) == Train(
        data="digits",
        split=SplitSettings(validation=0.15, test=0.15, stratify=True),
        optimizer=Sgd(momentum=0.9, nesterov=True, weight_decay=5e-4),
        learning_rate=CosineSchedule(peak=0.1, warmup=2),
        epochs=20,
        batch_size=128,
        augment=(Flip(direction="horizontal"), Shift(cells=4)),
        early_stopping=EarlyStopping(patience=5),
    )


def test_what_is_left_out_has_a_default() -> None:
    section = train("train: {data: mnist}\n")
    assert section.split == SplitSettings(validation=0.15, test=0.15, stratify=True)
    assert section.loss.kind == "categorical_cross_entropy"
    assert section.optimizer == Nesterov()
    assert (section.optimizer.momentum, section.optimizer.nesterov) == (0.9, True)
    assert section.learning_rate == ConstantSchedule(peak=0.01)
    assert (section.epochs, section.batch_size, section.seed) == (10, 128, 0)
    assert (section.augment, section.early_stopping, section.ema) == ((), None, None)
    assert (section.standardize, section.precision, section.monitor) == (
        "per_channel",
        "float32",
        "accuracy",
    )


@pytest.mark.parametrize("text", ["train:\n", "train: {}\n", ""])
def test_an_empty_section(text: str) -> None:
    spec = cnnkit.load(HEAD + text)
    assert spec.train is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.1", ConstantSchedule(peak=0.1)),
        ("1", ConstantSchedule(peak=1.0)),
        ("find", ConstantSchedule(peak="find")),
        ("{constant: {peak: 0.1, warmup: 0.5}}", ConstantSchedule(peak=0.1, warmup=0.5)),
        ("{cosine: 0.2}", CosineSchedule(peak=0.2)),
        ("{cosine: {peak: find}}", CosineSchedule(peak="find")),
        ("{one_cycle: {peak: 0.3, rise: 0.4}}", OneCycleSchedule(peak=0.3, rise=0.4)),
        ("{step: {peak: 0.1, at: [80, 120]}}", StepSchedule(peak=0.1, at=(80, 120))),
        (
            "{step: {peak: 0.1, every: 30, factor: 0.5}}",
            StepSchedule(peak=0.1, every=30, factor=0.5),
        ),
    ],
)
def test_a_learning_rate_is_always_a_schedule(written: str, expected: object) -> None:
    assert train(f"train: {{learning_rate: {written}}}\n").learning_rate == expected


def test_a_rate_that_is_found_takes_the_place_of_find() -> None:
    rate = train("train: {learning_rate: {cosine: {peak: find, warmup: 1}}}\n").learning_rate
    assert rate.finds
    with pytest.raises(ValueError, match="yet to be found"):
        _ = rate.highest
    assert rate.found(0.05) == CosineSchedule(peak=0.05, warmup=1)
    assert ConstantSchedule(peak=0.1).found(0.05) == ConstantSchedule(peak=0.1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("cifar10", "cifar10"),
        ("{images: pets}", Images(images="pets")),
        ("{images: pets, fit: contain}", Images(images="pets", fit="contain")),
        ("{arrays: a.npz, inputs: x}", Arrays(arrays="a.npz", inputs="x")),
        ("{csv: a.csv, target: label}", Csv(csv="a.csv", target="label")),
        ("{csv: a.csv, target: 0, test: b.csv}", Csv(csv="a.csv", target=0, test="b.csv")),
        ("{csv: a.csv, target: [x, y]}", Csv(csv="a.csv", target=("x", "y"))),
    ],
)
def test_data(written: str, expected: object) -> None:
    assert train(f"train: {{data: {written}}}\n").data == expected


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2h", 7200)]
)
def test_durations(written: str, seconds: float) -> None:
    assert train(f"train: {{time_limit: {written}}}\n").time_limit == seconds


@pytest.mark.parametrize(
    ("written", "expected"),
    [("balanced", "balanced"), ("[1, 2.5]", (1, 2.5)), ("{cat: 1, dog: 3}", {"cat": 1, "dog": 3})],
)
def test_class_weights(written: str, expected: object) -> None:
    assert train(f"train: {{class_weights: {written}}}\n").class_weights == expected


def test_expressions_and_overrides() -> None:
    text = HEAD + "variables: {rate: 0.1, method: adam}\ntrain:\n"
    text += "  learning_rate: $(rate / 2)\n  optimizer: $method\n  augment: [{shift: $(1 + 1)}]\n"
    spec = read(text, ["train.epochs=2", "train.optimizer={adamw: {b1: 0.8}}"]).spec
    assert spec is not None
    assert spec.train is not None
    assert spec.train.learning_rate == ConstantSchedule(peak=0.05)
    assert spec.train.epochs == 2
    assert spec.train.optimizer.kind == "adamw"
    assert spec.train.augment == (Shift(cells=2),)
    nested = read(HEAD + DOCUMENTED, ["train.optimizer.sgd.momentum=0.5"]).spec
    assert nested is not None
    assert nested.train is not None
    assert nested.train.optimizer.written() == {
        "sgd": {"momentum": 0.5, "nesterov": True, "weight_decay": 5e-4}
    }


def test_a_section_is_written_as_it_would_be_read() -> None:
    text = """\
train:
  data: {csv: costs.csv}
  loss: {focal: {gamma: 1}}
  optimizer: {momentum: {momentum: 0.8}}
  learning_rate: {step: {peak: 0.1, at: [3, 5]}}
  augment: [flip, {shift: 2}, {mixup: {alpha: 0.4, probability: 0.5}}]
  early_stopping: {patience: 3, metric: macro_f1}
  class_weights: {a: 1, b: 2}
  time_limit: 1h
"""
    spec = cnnkit.load(HEAD + text)
    written = spec.to_dict()
    assert written["train"] == {
        "data": {"csv": "costs.csv"},
        "loss": {"focal": {"gamma": 1}},
        "class_weights": {"a": 1, "b": 2},
        "optimizer": {"momentum": {"momentum": 0.8}},
        "learning_rate": {"step": {"peak": 0.1, "at": [3, 5]}},
        "augment": ["flip", {"shift": 2}, {"mixup": {"probability": 0.5, "alpha": 0.4}}],
        "early_stopping": {"patience": 3, "metric": "macro_f1"},
        "time_limit": 3600.0,
    }
    assert cnnkit.load(written) == spec
    assert cnnkit.load(HEAD + DOCUMENTED).to_dict()["train"]["learning_rate"] == {
        "cosine": {"peak": 0.1, "warmup": 2}
    }


@pytest.mark.parametrize("choice", [OPTIMIZERS, SCHEDULES, LOSSES, AUGMENTATIONS])
def test_each_part_reads_its_own_name(choice: Any) -> None:
    for name, kind in choice.kinds.items():
        assert kind.kind == name
        assert kind.__doc__
        try:
            bare = kind.model_validate({})
        except ValidationError:
            continue
        assert choice.read(name) == choice.read({name: None}) == choice.read({name: {}}) == bare


OPTAX = {
    "sgd": "sgd",
    "adam": "adam",
    "adamw": "adamw",
    "nadam": "nadam",
    "nadamw": "nadamw",
    "adamax": "adamax",
    "amsgrad": "amsgrad",
    "radam": "radam",
    "adabelief": "adabelief",
    "yogi": "yogi",
    "rmsprop": "rmsprop",
    "adagrad": "adagrad",
    "adadelta": "adadelta",
    "lamb": "lamb",
    "lars": "lars",
    "lion": "lion",
    "muon": "contrib.muon",
    "schedule_free_sgd": "contrib.schedule_free_sgd",
    "schedule_free_adamw": "contrib.schedule_free_adamw",
}


@pytest.mark.parametrize("name", OPTAX)
def test_defaults_are_those_of_optax(name: str) -> None:
    import optax
    import optax.contrib

    function: Any = optax
    for part in OPTAX[name].split("."):
        function = getattr(function, part)
    theirs = {key: each.default for key, each in inspect.signature(function).parameters.items()}
    ours = OPTIMIZERS.kinds[name].model_fields
    compared = 0
    for field, info in ours.items():
        their = theirs.get({"epsilon": "eps"}.get(field, field), inspect.Parameter.empty)
        if their is not inspect.Parameter.empty:
            assert info.default == (their or type(info.default)(0)), field
            compared += 1
    assert compared >= min(2, len(theirs) - 1)
    assert Momentum().momentum == 0.9


@pytest.mark.parametrize(
    ("section", "message", "advice"),
    [
        (
            "train: {«epoch»: 3}\n",
            "`train` has no field `epoch`",
            "did you mean `epochs`?",
        ),
        (
            "train: {epochs: «0»}\n",
            "`epochs` cannot be 0",
            "it takes a whole number above 0",
        ),
        (
            "train: {epochs: «many»}\n",
            '`epochs` cannot be "many"',
            "it takes a whole number above 0",
        ),
        (
            "train: {data: «digit»}\n",
            "there is no data set `digit`",
            "did you mean `digits`?",
        ),
        (
            "train: {data: «imagenet»}\n",
            "there is no data set `imagenet`",
            (
                "there are digits, digit_scenes, noisy_digits, mnist, fashion_mnist, cifar10; "
                "files of your own are "
                "`{images: FOLDER}`, `{arrays: FILE.npz}`, `{csv: FILE}` or `{packed: FOLDER}`"
            ),
        ),
        (
            "train: {data: {«image»: pets}}\n",
            "`data` names no files",
            "did you mean `images`?",
        ),
        (
            "train: {data: {images: pets, «target»: 3}}\n",
            "`data` has no field `target`",
            "did you mean `targets`?",
        ),
        (
            "train: {data: {images: pets, fit: «crop»}}\n",
            '`fit` cannot be "crop"',
            "it takes `cover`, `contain`, `stretch` or `none`",
        ),
        (
            "train: {data: «3»}\n",
            "3 is no data set",
            (
                "write one, `digits`, `{images: FOLDER}`, `{arrays: FILE.npz}`, `{csv: FILE}` or "
                "`{packed: FOLDER}`"
            ),
        ),
        (
            "train: {split: {validation: «1.5»}}\n",
            "`validation` cannot be 1.5",
            "it takes a part below 1, such as 0.15, or a number of examples",
        ),
        (
            "train: {split: «0.2»}\n",
            "`split` cannot be 0.2",
            "it takes `validation`, `test`, `stratify` and `group`: `{validation: 0.15}`",
        ),
        (
            "train: {data: {images: a, targets: «b»}, loss: focal}\n",
            "`targets` are images, which have values, and focal compares classes",
            "take a loss of values, such as `mean_squared_error`, or name masks, `masks: FOLDER`",
        ),
        (
            "train: {data: {images: a, masks: b, targets: «c»}, loss: ssim}\n",
            "`masks` have the class of each pixel, and `targets` its values: a network has one",
            "leave one of them out",
        ),
        (
            "train: {data: {images: a, targets: b, test: «c»}, loss: ssim}\n",
            "`test` is another folder of class folders, and `targets` says that there are none",
            "put the test set into `test` folders inside of `images` and of `targets`",
        ),
        (
            "train: {data: {images: a, tiles: «{size: 8}»}}\n",
            "`tiles` is about masks, and there are none",
            "say where they are, `masks: FOLDER`, or leave it out",
        ),
        (
            "train: {data: {images: a, masks: b, tiles: {overlap: «1»}}}\n",
            "`overlap` cannot be 1",
            "it takes a number from 0 to 0.9",
        ),
        (
            "train: {split: {group: «'patient[0-9]+'»}}\n",
            "`group` is a pattern with no parentheses, and one pair says whose a file is",
            ONE_PAIR,
        ),
        (
            "train: {split: {group: «'(a)(b)'»}}\n",
            "`group` is a pattern with 2 pairs of parentheses, and one pair says whose a file is",
            ONE_PAIR,
        ),
        (
            "train: {split: {group: «'(a'»}}\n",
            "`group` is no regular expression: missing ), unterminated subpattern at position 0",
            "write a pattern of names, `group: '(patient[0-9]+)_'`, or a table, `group: FILE.csv`",
        ),
        (
            "train: {loss: «cross_entropy»}\n",
            "there is no loss `cross_entropy`",
            "did you mean `categorical_cross_entropy`?",
        ),
        (
            "train: {loss: {«focall»: {gamma: 2}}}\n",
            "there is no loss `focall`",
            "did you mean `focal`?",
        ),
        (
            "train: {loss: {focal: {gamma: «-1»}}}\n",
            "`gamma` cannot be -1",
            "it takes a number that is not negative",
        ),
        (
            "train:\n  optimizer:\n    sgd:\n      «momentm»: 0.9\n",
            "`sgd` has no field `momentm`",
            "did you mean `momentum`?",
        ),
        (
            "train: {optimizer: {adam: {«beta1»: 0.9}}}\n",
            "`adam` has no field `beta1`",
            "here it is `b1`",
        ),
        (
            "train: {optimizer: {adam: {«lr»: 0.1}}}\n",
            "`adam` has no field `lr`",
            "it stands beside it: `train: {learning_rate: …}`",
        ),
        (
            "train: {loss: {categorical_cross_entropy: {«label_smoothing»: 0.1}}}\n",
            "`categorical_cross_entropy` has no field `label_smoothing`",
            "it stands beside it: `train: {label_smoothing: …}`",
        ),
        (
            "train: {optimizer: {adam: «0.9»}}\n",
            "`adam` has 0.9 where its fields belong",
            "write `adam: {weight_decay: 0.9}`",
        ),
        (
            "train: {optimizer: «adm»}\n",
            "there is no optimizer `adm`",
            "did you mean `adam`?",
        ),
        (
            "train: {optimizer: «[adam]»}\n",
            '["adam"] is no optimizer',
            "write one by its name, `adam`, or by its name with fields, `{sgd: {momentum: 0.9}}`",
        ),
        (
            "train: {optimizer: {sgd: {nesterov: «true»}}}\n",
            "`sgd` has `nesterov: true` and no momentum to look ahead with",
            "add `momentum: 0.9`, or leave `nesterov` out",
        ),
        (
            "train: {learning_rate: «-0.1»}\n",
            "`peak` cannot be -0.1",
            "it takes a number above 0, or `find`",
        ),
        (
            "train: {learning_rate: {«onecycle»: {peak: 1}}}\n",
            "there is no schedule `onecycle`",
            "did you mean `one_cycle`?",
        ),
        (
            "train: {learning_rate: {«cosine»: {warmup: 2}}}\n",
            "`cosine` needs `peak`: the largest learning rate",
            "add `peak: …`, a number above 0, or `find`",
        ),
        (
            "train: {learning_rate: {one_cycle: {peak: 1, «warmup»: 2}}}\n",
            "`one_cycle` has no field `warmup`",
            "its fields are peak, rise, div_factor, final_div_factor",
        ),
        (
            "train: {learning_rate: {«step»: {peak: 1}}}\n",
            "`step` has neither `at` nor `every`",
            "say when the rate falls: `at: [30, 60]`, or `every: 30`",
        ),
        (
            "train: {learning_rate: {step: {peak: 1, at: «[60, 30]»}}}\n",
            "`at` does not rise",
            "write the epochs in order",
        ),
        (
            "train: {augment: [flip, {flip: «sideways»}]}\n",
            '`direction` cannot be "sideways"',
            "it takes `horizontal`, `vertical` or `both`",
        ),
        (
            "train: {augment: [«rotat»]}\n",
            "there is no augmentation `rotat`",
            "did you mean `rotate`?",
        ),
        (
            "train: {augment: «{flip: horizontal}»}\n",
            '`augment` cannot be {"flip": "horizontal"}',
            "it takes a list of augmentations: `[{flip: horizontal}, {shift: 4}]`",
        ),
        (
            "train: {augment: [{shift: «28»}]}\n",
            "`cells` of `shift` is 28x28: as large as the input, 28x28",
            "write fewer cells: of an eighth of the extent little is lost",
        ),
        (
            "train: {augment: [{resized_crop: {area: «[0.9, 0.5]»}}]}\n",
            "`area` cannot be [0.9, 0.5]",
            "write the smaller part first, and none above 1",
        ),
        (
            "train: {class_weights: [1, «0»]}\n",
            "`class_weights[1]` cannot be 0",
            (
                "it takes `balanced`, a list of a number above 0 for each class, or a mapping of "
                "class names"
            ),
        ),
        (
            "train: {time_limit: «3x»}\n",
            '`time_limit` is no duration: "3x"',
            "it takes a number of seconds, or 90s, 30m, 2h, 1h30m",
        ),
        (
            "train: {precision: «float16»}\n",
            '`precision` cannot be "float16"',
            "it takes `float32`, `bfloat16` or `auto`",
        ),
        (
            "train: {batch_size: «automatic»}\n",
            '`batch_size` cannot be "automatic"',
            "it takes a whole number above 0, or `auto`",
        ),
        (
            "train: {ema: «1»}\n",
            "`ema` cannot be 1",
            "it takes a number between 0 and 1",
        ),
        (
            "train: {loss: mean_squared_error, label_smoothing: «0.1»}\n",
            (
                "`label_smoothing` is of classes, and mean_squared_error has none: its targets are "
                "numbers"
            ),
            (
                "leave `label_smoothing` out, or take a loss of classes, such as "
                "`categorical_cross_entropy`"
            ),
        ),
        (
            "train: {loss: huber, augment: [flip, {mixup: «0.2»}]}\n",
            "`mixup` is of classes, and huber has none: its targets are numbers",
            "leave `mixup` out, or take a loss of classes, such as `categorical_cross_entropy`",
        ),
        (
            "train: {loss: huber, early_stopping: {metric: «accuracy»}}\n",
            "`early_stopping` watches `accuracy`, and huber has no classes",
            "write `metric: loss`",
        ),
        (
            "train: {early_stopping: {metric: «mean_squared_error»}}\n",
            (
                "`early_stopping` watches `mean_squared_error`, and categorical_cross_entropy has "
                "no values to predict"
            ),
            "write `metric: accuracy`",
        ),
        (
            "train: {loss: huber, early_stopping: {metric: «recall.cat»}}\n",
            "`early_stopping` watches `recall.cat`, and huber has no classes",
            "write `metric: loss`",
        ),
        (
            "train: {early_stopping: {metric: «error»}}\n",
            '`metric` cannot be "error"',
            (
                "it takes `accuracy`, `balanced_accuracy`, `macro_f1`, `weighted_f1`, `matthews`, "
                "`kappa`, `mean_iou`, `mean_dice`, `pixel_accuracy`, `psnr`, `ssim`, "
                "`mean_squared_error`, `mean_absolute_error`, `loss` or `recall.CLASS`"
            ),
        ),
        (
            "train: {split: {validation: 0}, early_stopping: «{patience: 3}»}\n",
            "`early_stopping` watches the validation, and `split` has `validation: 0`",
            "hold some examples back, `split: {validation: 0.15}`, or leave `early_stopping` out",
        ),
        (
            "train: {optimizer: schedule_free_sgd, learning_rate: «{cosine: 0.1}»}\n",
            "`schedule_free_sgd` needs no schedule, and `learning_rate` is `cosine`",
            "write a number, or one with a warm-up: `{constant: {peak: 0.01, warmup: 2}}`",
        ),
        (
            "train: {optimizer: schedule_free_adamw, ema: «0.9»}\n",
            "`schedule_free_adamw` averages the weights already, and `ema` would again",
            "leave `ema` out",
        ),
        (
            "train: {augment: [{flip: {direction: both, alternate: «true»}}]}\n",
            (
                "`alternate` takes turns between an image and its mirror image, and "
                "`direction: both` has four"
            ),
            "write `horizontal` or `vertical`, or leave `alternate` out",
        ),
        (
            "train: {augment: [{flip: {probability: 0.2, alternate: «true»}}]}\n",
            "`alternate` mirrors each example in every second epoch, and `probability` is 0.2",
            "leave one of them out",
        ),
        (
            "train: {optimizer: schedule_free_adamw, lookahead: «{sync_period: 6}»}\n",
            "`schedule_free_adamw` averages the weights already, and `lookahead` would again",
            "leave `lookahead` out",
        ),
    ],
)
def test_findings(section: str, message: str, advice: str) -> None:
    finding = fault(section)
    assert finding.message == message
    assert finding.help == advice


def test_all_faults_are_found_in_one_run() -> None:
    text = "train: {epoch: 1, optimizer: adm, augment: [{flip: up}, rotat], seed: -1}\n"
    assert len(read_from_text(HEAD + text, "spec.yaml").findings) == 5


def test_several_contradictions_are_found_in_one_run() -> None:
    text = (
        "train: {loss: huber, label_smoothing: 0.1, class_weights: balanced, augment: [cutmix]}\n"
    )
    messages = [finding.message for finding in read_from_text(HEAD + text, "a").findings]
    assert [message.split()[0] for message in messages] == [
        "`label_smoothing`",
        "`class_weights`",
        "`cutmix`",
    ]


def test_a_section_of_plain_python() -> None:
    spec = Spec(input="8x8x1", layers=[], train={"loss": {"focal": None}, "epochs": 3})
    assert spec.train == Train(loss=Focal(), epochs=3)
    assert Spec(input="8x8x1", layers=[], train=spec.train).train == spec.train
    with pytest.raises(ValidationError, match="`sgd` has no field `moment`"):
        Spec(input="8x8x1", layers=[], train={"optimizer": {"sgd": {"moment": 1}}})


def test_what_says_which_epoch_is_the_best() -> None:
    assert Train(loss="mean_squared_error").monitor == "loss"
    assert Train(early_stopping=EarlyStopping(metric="loss")).monitor == "loss"


@pytest.mark.parametrize(("section", "there"), [("", False), ("train: {epochs: 1}", True)])
def test_the_models_are_loaded_where_a_spec_has_the_section(section: str, there: bool) -> None:
    code = f"import cnnkit, sys; cnnkit.load({HEAD + section!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules = set(done.stdout.split())
    assert ("cnnkit.spec.model.training" in modules) is there
    assert not modules & {"jax", "numpy", "optax"}


def test_a_sum_of_losses() -> None:
    text = "train: {loss: [dice, {focal: {gamma: 1, weight: 2}}, {categorical_cross_entropy: 0.5}]}"
    section = train(text)
    assert [(term.loss.kind, term.weight) for term in section.loss.terms] == [
        ("dice", 1), ("focal", 2), ("categorical_cross_entropy", 0.5),
    ]  # fmt: skip
    assert section.loss.tasks == ("segmentation",)
    assert section.loss.title == "dice + focal + categorical_cross_entropy"
    assert section.written()["loss"] == [
        "dice",
        {"focal": {"gamma": 1, "weight": 2}},
        {"categorical_cross_entropy": 0.5},
    ]
    assert Train(**section.written()) == section
    assert train("train: {loss: [dice]}") == train("train: {loss: dice}")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("train: {loss: [dice, «dise»]}", "there is no loss `dise`"),
        ("train: {loss: [{dice: «0»}]}", "a loss cannot have the weight 0 in a sum"),
        (
            "train: {loss: [{focal: {gamma: 1, weight: «-1»}}]}",
            "a loss cannot have the weight -1 in a sum",
        ),
        ("train: {loss: «[]»}", "`loss` is a sum of nothing"),
        (
            "train: {loss: «[dice, huber]»}",
            "the sum of dice and huber has no targets that all of them compare",
        ),
        (
            "train: {target: «input»}",
            "`target: input` asks for values, and categorical_cross_entropy compares classes",
        ),
        (
            "train: {data: {images: a, ignore: «255»}}",
            "`ignore` is about masks, and there are none",
        ),
        (
            "train: {data: {images: a, masks: b, test: «c»}}",
            "`test` is another folder of class folders, and `masks` says that there are none",
        ),
        (
            "train: {loss: dice, early_stopping: {metric: «accuracy»}}",
            "`early_stopping` watches `accuracy`, and dice is of pixels alone",
        ),
        (
            "train: {loss: ssim, early_stopping: {metric: «mean_iou»}}",
            "`early_stopping` watches `mean_iou`, and ssim has no classes",
        ),
    ],
)
def test_what_maps_cannot_be_told(section: str, message: str) -> None:
    assert fault(section).message == message


def test_what_the_output_says_of_the_targets() -> None:
    section = Train()
    assert section.loss.tasks == ("classes", "segmentation")
    assert section.tasks == ("classes",)
    assert section.monitor == "accuracy"
    assert section.for_outputs({"output": (10,)}) is section
    of_maps = section.for_outputs({"output": (8, 8, 3)})
    assert of_maps.of_maps
    assert (of_maps.tasks, of_maps.monitor) == (("segmentation",), "mean_iou")
    assert of_maps.for_outputs({"output": (3,)}) == section
    images = Train(loss="mean_squared_error").for_outputs({"output": (8, 8, 1)})
    assert (images.tasks, images.monitor) == (("images",), "psnr")
