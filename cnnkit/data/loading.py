"""From the name or the fields of `train.data` to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cnnkit.data import arrays, csv, images
from cnnkit.data.cifar import cifar10
from cnnkit.data.dataset import DEVICE_BUDGET, Dataset
from cnnkit.data.digits import digits
from cnnkit.data.files import data_directory
from cnnkit.data.fitting import fitted
from cnnkit.data.idx import fashion_mnist, mnist
from cnnkit.errors import UsageError, did_you_mean
from cnnkit.spec.training import Arrays, Csv, Data, Images, Loss

PUBLISHED: Mapping[str, Callable[[Path], Dataset]] = MappingProxyType(
    {
        "digits": lambda _: digits(),
        "mnist": mnist,
        "fashion_mnist": fashion_mnist,
        "cifar10": cifar10,
    }
)
"""The data sets that are known by name; each is read from the folder of data sets."""


def load(
    source: Data,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    outputs: int | None = None,
    loss: Loss | None = None,
    trained: bool = False,
    budget: int = DEVICE_BUDGET,
    progress: images.Progress = images.unseen,
) -> Dataset:
    """Reads a data set and checks that it fits the network.

    Args:
        source: ``train.data`` of the spec: a name of ``PUBLISHED``, or files.
        data_dir: The folder of the published sets; by default ``CNNKIT_DATA``, or
            ``~/.cache/cnnkit``.
        input_shape: The network's ``input:``; by default the shape that the data has.
        outputs: The scores that the network gives; by default any number.
        loss: ``train.loss``: what the targets are compared by; by default any.
        trained: The network has its weights, so that advice is about the data only.
        budget: The bytes up to which images in files are all decoded at once.
        progress: Is told how many images are decoded, and how many there are.

    Raises:
        DataError: Files are damaged, or do not fit the network.
        UsageError: Files are missing.
    """
    if isinstance(source, Images):
        dataset = images.read(
            Path(source.images),
            test=Path(source.test) if source.test else None,
            shape=input_shape,
            fit=source.fit,
            budget=budget,
            progress=progress,
        )
    else:
        dataset = _read(source, data_dir)
    return fitted(dataset, input_shape, outputs, loss, trained=trained)


def _read(source: str | Arrays | Csv, data_dir: str | os.PathLike[str] | None) -> Dataset:
    match source:
        case Arrays():
            named = (source.inputs, source.targets, source.test_inputs, source.test_targets)
            return arrays.read(Path(source.arrays), arrays.Named(*named))
        case Csv():
            test = Path(source.test) if source.test else None
            return csv.read(Path(source.csv), target=source.target, test=test)
    read = PUBLISHED.get(source)
    if read is None:
        near = did_you_mean(source, PUBLISHED)
        meant = f": did you mean `{near}`?" if near else f"; there are {', '.join(PUBLISHED)}"
        raise UsageError(f"there is no data set `{source}`{meant}")
    return read(data_directory(data_dir))
