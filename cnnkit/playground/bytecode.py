"""Compiles what Pyodide imports, so that a visitor's browser need not: it runs in Pyodide itself.

`vendor` starts it, under Node.js, in a folder with ``sources``. What is left in ``compiled`` has
bytecode in the place of sources.
"""

import py_compile
from pathlib import Path

WORK = Path("/work")
MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH
# The pages of kinds and rules are the docstrings of these rooms; no others are shown to anyone.
SHOWN = (Path("cnnkit/layers"), Path("cnnkit/rules"))


def compile_all() -> None:
    """Compiles each module below ``sources`` to a file of the same name in ``compiled``."""
    sources = WORK / "sources"
    for path in sorted(sources.rglob("*.py")):
        name = path.relative_to(sources)
        target = WORK / "compiled" / name.with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        level = 0 if any(name.is_relative_to(room) for room in SHOWN) else 2
        py_compile.compile(
            str(path),
            str(target),
            dfile=name.as_posix(),
            doraise=True,
            optimize=level,
            invalidation_mode=MODE,
        )


if __name__ == "__main__":
    compile_all()
