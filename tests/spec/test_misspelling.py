from __future__ import annotations

import re

import pytest

from cnnkit.layers import KINDS
from cnnkit.spec.schema.misspelling import slips


def meant(word: str) -> list[str]:
    """The kinds that a word is a misspelling of."""
    return [kind for kind in KINDS if re.fullmatch(slips(kind, KINDS), word)]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("covn", "conv"),
        ("cov", "conv"),
        ("conv2d", "conv"),
        ("Conv2D", "conv"),
        ("denes", "dense"),
        ("flaten", "flatten"),
        ("flattten", "flatten"),
        ("max_pol", "max_pool"),
        ("max_poool", "max_pool"),
        ("maxpool", "max_pool"),
        ("MaxPool2d", "max_pool"),
        ("batchnorm", "batch_norm"),
        ("batch-norm", "batch_norm"),
        ("batch_nrom", "batch_norm"),
        ("softmex", "softmax"),
        ("residaul", "residual"),
        ("rleu", "relu"),
    ],
)
def test_one_slip_of_the_hand_is_a_misspelling(word: str, kind: str) -> None:
    assert kind in meant(word)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_another_one_misspelt(kind: str) -> None:
    assert meant(kind) == []


@pytest.mark.parametrize(
    "word",
    [
        *("conv1", "conv_1", "convs", "conv_bn", "dense1", "denses", "head1", "pools", "norms"),
        *("read", "deep", "lead", "drop", "same", "wave", "stem", "stage", "block", "basic"),
        *("bottleneck", "inception", "norm_relu_drop", "unit", "pair", "up", "down", "fire"),
    ],
)
def test_a_good_name_of_a_block_is_none(word: str) -> None:
    assert meant(word) == []
