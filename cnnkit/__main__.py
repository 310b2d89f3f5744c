"""``cnnkit`` and ``python -m cnnkit``: runs a command, and turns exceptions into exit codes."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Runs the command line and exits.

    Exit codes: 0 fine, 1 findings of level error, 2 wrong usage, 130 interrupted.
    """
    # What is imported stays, and by its own threshold the collector walks it eighty times.
    gc.set_threshold(100_000)
    from cnnkit.errors import CnnkitError, DataError, TrainingError

    try:
        from cnnkit.cli import COMMANDS, application

        asked = sys.argv[1:2]
        app = application(asked if asked and asked[0] in COMMANDS else COMMANDS)
        app(prog_name="cnnkit")
    except CnnkitError as error:
        print(f"cnnkit: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, (DataError, TrainingError)) else 2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. What is left in the buffer has no place
        # to go, and Python would complain of that while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
