"""``cnnkit new``: a commented spec to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="The file to write.", show_default=False)
    ] = None,
    template: Annotated[
        str, typer.Option("--template", "-t", metavar="NAME", help="What to start from.")
    ] = "minimal",
    list_: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a commented spec to start from.

    Example: cnnkit new lenet.yaml --template lenet
    """
    from shlex import quote

    from cnnkit import templates
    from cnnkit.errors import UsageError

    if list_:
        width = max(map(len, templates.names()))
        for name in templates.names():
            print(f"{name:{width}}  {templates.summary(name)}")
        return
    if path is None:
        raise UsageError("name the file to write, such as: cnnkit new network.yaml")
    _write(path, templates.text(template), force=force)
    print(f"wrote {path}: {templates.summary(template)}\nnext: cnnkit analyze {quote(str(path))}")


def _write(path: Path, text: str, *, force: bool) -> None:
    from cnnkit.errors import UsageError

    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it, such as {path / 'network.yaml'}")
    try:
        # A file that appears in this moment is not written over either.
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists; --force writes over it") from None
    except FileNotFoundError:
        raise UsageError(f"there is no folder {path.parent}: make it first") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
