"""Pictures that stand in a page."""

from __future__ import annotations

from base64 import b64encode


def uri_of(data: bytes, kind: str = "image/png") -> str:
    """The file of a picture as an address that holds it."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
