"""Makes the site: ``python docs/build.py FOLDER``, with the playground where its parts are there.

Warnings are errors. `pip install 'cnnkit[train,docs]'` has what this needs; the playground needs
`python -m cnnkit.playground.vendor` first, and without it the site is made without it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from cnnkit.playground import site
from generate import playground
from generate.accessible import complete

DOCS = Path(__file__).parent


def build(folder: Path) -> int:
    """Writes the site into a folder; gives the exit code."""
    code: int = build_main(["--fail-on-warning", "--quiet", str(DOCS), str(folder)])
    if code == 0:
        complete(folder)
    if code == 0 and playground.is_there():
        site.write(folder / playground.HOME)
    return code


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python docs/build.py FOLDER")
    sys.exit(build(Path(sys.argv[1])))
