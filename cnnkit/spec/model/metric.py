"""The name of a metric, as a field of a spec takes it."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from cnnkit.tasks.metric import CHOOSING, RECALL, is_metric, metric_of

CHOICES: Final = f"{', '.join(f'`{name}`' for name in CHOOSING)} or `{RECALL}CLASS`"
"""The metrics that an epoch or a trial may be chosen by, in words."""


def chooses(name: str) -> bool:
    """Whether an epoch or a trial may be chosen by what has this name."""
    return is_metric(name) and metric_of(name).chooses


def _known(name: str) -> str:
    if not chooses(name):
        raise PydanticCustomError("literal_error", "is no metric to choose by")
    return name


MetricName: TypeAlias = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(CHOOSING), "type": "string"},
                # A class's recall, or any of these of one of several outputs.
                {
                    "type": "string",
                    "pattern": rf"^{RECALL.replace('.', '[.]')}.|[.]({'|'.join(CHOOSING)})$|\$",
                },
            ]
        }
    ),
]
