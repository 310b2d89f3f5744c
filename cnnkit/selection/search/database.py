"""The database that a study lies in: a file beside it, or a server that many machines share."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, Final

from cnnkit.errors import UsageError
from cnnkit.selection.search.workers import BEAT_SECONDS, GRACE_SECONDS, HAS_LOCKS

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_BUSY_SECONDS: Final = 120
_ATTEMPTS: Final = 6


def is_file(url: str) -> bool:
    """Whether a database is a file, which processes on one file system share."""
    return url.startswith("sqlite")


def open_storage(url: str) -> RDBStorage:
    """The database of a URL of SQLAlchemy's.

    Raises:
        UsageError: It cannot be reached, or the package of its kind is missing.
    """
    from sqlalchemy import event

    storage = _connected(url)
    if is_file(url):

        @event.listens_for(storage.engine, "connect")
        def connect(connection: Any, _: Any) -> None:
            # Python's driver begins a transaction at the first write only, so that two processes
            # could both read that a trial waits, and both claim it.
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

        @event.listens_for(storage.engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        storage.engine.dispose()  # connections from before the listeners
    return storage


def _connected(url: str) -> RDBStorage:
    import optuna
    from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    waits = (
        {"connect_args": {"timeout": _BUSY_SECONDS}} if is_file(url) else {"pool_pre_ping": True}
    )
    silent = is_file(url) and HAS_LOCKS  # the locks say who is alive
    for attempt in range(_ATTEMPTS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.storages.RDBStorage(
                    url,
                    engine_kwargs=waits,
                    heartbeat_interval=None if silent else BEAT_SECONDS,
                    grace_period=None if silent else GRACE_SECONDS,
                )
        except ImportError as error:
            raise UsageError(f"--storage {secretless(url)}: {error.__cause__ or error}") from None
        except ArgumentError as error:
            raise UsageError(f"--storage {secretless(url)}: this is no URL: {error}") from None
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            # Processes that begin at the same moment make the same tables.
            made = isinstance(error, IntegrityError) or "already exists" in reason
            if not made or attempt == _ATTEMPTS - 1:
                message = f"--storage {secretless(url)}: cannot be opened: {reason}"
                raise UsageError(message) from None
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError


def secretless(url: str) -> str:
    """A URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.partition("@")[2] or url
