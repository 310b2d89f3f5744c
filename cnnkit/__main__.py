"""``cnnkit`` and ``python -m cnnkit``: runs a command, and turns exceptions into exit codes."""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnkit.errors import SpecError


def main() -> None:
    """Runs the command line and exits.

    Exit codes: 0 fine, 1 findings of level error, 2 wrong usage, 130 interrupted.
    """
    # What is imported stays, and by its own threshold the collector walks it eighty times.
    gc.set_threshold(100_000)
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal or a log that cannot show a character gets its escape, not an exception.
        sys.stdout.reconfigure(errors="backslashreplace")
    from cnnkit.errors import CnnkitError, SpecError, exit_code_of

    try:
        from cnnkit.cli import COMMANDS, application

        asked = sys.argv[1:2]
        app = application(asked if asked and asked[0] in COMMANDS else COMMANDS)
        app(prog_name="cnnkit")
    except SpecError as error:
        _show(error)
        sys.exit(1)
    except CnnkitError as error:
        print(f"cnnkit: {error}", file=sys.stderr)
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. What is left in the buffer has no place
        # to go, and Python would complain of that while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _show(error: SpecError) -> None:
    """The findings on standard output, as `check` shows them: they are what came out."""
    from cnnkit.presentation.output import put_lines
    from cnnkit.report.findings.finding import findings_lines

    put_lines(lambda width: findings_lines(error.findings, name=error.name, width=width), None)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
