"""The inputs in the body of a request: JSON, an image, or a form with images."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from cnnkit.data.inputs import Input, image_of
from cnnkit.data.listing import Refused
from cnnkit.data.preprocessing import Preprocessing
from cnnkit.errors import DataError, UsageError
from cnnkit.serving.limits import Limits

JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"


class Payload(NamedTuple):
    """What a request holds before it is decoded: JSON, or images by their names."""

    text: bytes | None
    images: Sequence[tuple[str, bytes]]


async def body_of(content: bytes, headers: Headers, limit: int) -> Payload:
    """The parts of a body.

    Raises:
        HTTPException: 400 where a form is damaged, 413 where it has too many parts, 415 where the
            body is of another type.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        return Payload(content, ())
    if kind == FORM:
        return Payload(None, await _uploaded(content, headers, limit))
    if kind.startswith("image/") or kind == BYTES:
        return Payload(None, [("image", content)])
    raise HTTPException(
        415,
        f"the body is of type {kind[:80] or 'unsaid'}: send {JSON}, {FORM}, or an image as "
        f"image/* or {BYTES}",
    )


def inputs_in(body: Payload, record: Preprocessing, limits: Limits) -> list[Input | Refused]:
    """The inputs of a body, prepared as the network was trained on them; images may be refused.

    Raises:
        HTTPException: 400 where the JSON is damaged, 413 where there are too many inputs, 422
            where they are not such as the network takes.
    """
    if body.text is None:
        return [
            image_of(Path(name.replace("\0", "")), record, content, limits.pixels)
            for name, content in body.images
        ]
    values = _values(body.text)
    if values.shape == record.shape:
        values = values[None]
    if values.ndim and len(values) > limits.examples:
        raise HTTPException(
            413, f"{len(values):,} inputs are more than the {limits.examples:,} of a request"
        )
    try:
        prepared = record.values(values)
    except (DataError, UsageError) as error:
        raise HTTPException(422, str(error)) from None
    if not np.isfinite(prepared).all():
        raise HTTPException(422, "the inputs hold NaN or infinite values")
    return [Input(f"inputs[{place}]", each) for place, each in enumerate(prepared)]


def _values(text: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """The array in a JSON text, ``{"inputs": [...]}``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict) or set(found) != {"inputs"}:
        raise HTTPException(422, 'the JSON is not such as {"inputs": [[…], …]}')
    try:
        values = np.array(found["inputs"])
    except (ValueError, OverflowError, RecursionError):
        raise HTTPException(422, "the inputs are of unequal lengths, or too deep") from None
    if values.dtype.kind not in "iuf" or not values.size:
        raise HTTPException(422, "the inputs are no array of numbers")
    return values


async def _uploaded(content: bytes, headers: Headers, limit: int) -> list[tuple[str, bytes]]:
    """The files of a form."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    parser = MultiPartParser(headers, stream(), max_files=limit, max_fields=limit)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        status = 413 if error.message.startswith("Too many") else 400
        raise HTTPException(status, f"the form cannot be read: {error.message}") from None
    except (KeyError, ValueError):  # of versions of Starlette that hand on the parser's own
        raise HTTPException(
            400, "the form cannot be read: it is damaged, or names no boundary"
        ) from None
    try:
        files = [each for _, each in form.multi_items() if not isinstance(each, str)]
        found = [(file.filename or "image", await file.read()) for file in files]
    finally:
        await form.close()
    if not found:
        raise HTTPException(422, "the form has no file: send images as its files")
    return found
