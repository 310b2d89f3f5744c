"""``cnnkit playground``: the calculator as a page in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def playground(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="SPEC", help="What the page opens with.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Write the page for a web host into this folder."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes one that is free.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Open the calculator in the browser, or write its page for a web host.

    The page runs the analyser itself; what is typed there leaves it for nowhere.

    Example: cnnkit playground specs/lectures/rgb-valid-4-classes.yaml
    """
    from tempfile import TemporaryDirectory

    from cnnkit.errors import UsageError
    from cnnkit.playground.server import serve
    from cnnkit.playground.site import write

    try:
        start = spec.read_text("utf-8") if spec else None
    except OSError as error:
        raise UsageError(f"cannot read {spec}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {spec}: it is no text in UTF-8") from None
    if output is not None:
        write(output, start)
        print(f"wrote {output}: any web host can serve it, with index.html as its page")
        return

    def listening(address: str) -> None:
        print(f"the playground is at {address}; Ctrl-C ends it", flush=True)
        if browser:
            typer.launch(address)

    with TemporaryDirectory(prefix="cnnkit-playground-") as folder:
        write(Path(folder), start, quick=True)
        serve(Path(folder), port, listening)
