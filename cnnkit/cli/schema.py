"""``cnnkit schema``: the JSON Schema of the language, for editors and other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it to this file."),
    ] = None,
) -> None:
    """Write the JSON Schema of specs, from which editors complete, explain and check.

    Example: cnnkit schema --output cnnkit.schema.json
    """
    import json

    from cnnkit import rules
    from cnnkit.errors import UsageError
    from cnnkit.spec.schema.document import schema as schema_of

    text = json.dumps(schema_of(rules.LEVELS), indent=2, ensure_ascii=False)
    if output is None:
        print(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
