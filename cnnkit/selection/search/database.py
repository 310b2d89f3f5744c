"""The storage that a study lies in: a file beside it, or what many machines share.

That is a server of SQL, a journal on a file system that all machines see, where locks of files need
not work, or Optuna's gRPC proxy, of which many more processes ask than a server of SQL would bear.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnkit.errors import UsageError
from cnnkit.selection.search.heartbeats import BEAT_SECONDS, GRACE_SECONDS
from cnnkit.selection.search.workers import HAS_LOCKS

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from sqlalchemy.engine import URL

_BUSY_SECONDS: Final = 120
_ATTEMPTS: Final = 6
_LONGEST_ENTRY: Final = 2**20
"""The bytes of a file's first line that are read to know what it is."""
_PROXY_SECONDS: Final = 10
_PROXY_PORT: Final = 13000
"""That of Optuna's own server, unless it is told another."""
_PACKAGES: Final = {"grpc": "grpcio protobuf", "psycopg": "'psycopg[binary]'"}
"""What is to be installed for a module that is missing, where its name is another."""


def is_file(url: str) -> bool:
    """Whether a database is a file, which processes on one file system share."""
    return url.startswith("sqlite")


def open_storage(url: str) -> BaseStorage:
    """The storage of a URL, as SQLAlchemy writes them.

    Raises:
        UsageError: It cannot be reached, or the package of its kind is missing.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(), _told(url):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if url.startswith("journal:"):
            return _journal(_parsed(url))
        if url.startswith("grpc:"):
            return _proxy(_parsed(url))
        return _database(url)


def close_storage(storage: BaseStorage) -> None:
    """Lets go of a storage."""
    from optuna.storages import GrpcStorageProxy, RDBStorage

    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()
    elif isinstance(storage, GrpcStorageProxy):
        storage.close()


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What is wrong with a storage, in a sentence."""
    from sqlalchemy.exc import ArgumentError

    try:
        yield
    except ImportError as error:
        missing = error.__cause__ if isinstance(error.__cause__, ImportError) else error
        package = _PACKAGES.get(missing.name or "", missing.name)
        raise UsageError(
            f"--storage {secretless(url)} needs {missing.name}, which is not installed: "
            f"pip install {package}"
        ) from None
    except ArgumentError as error:
        raise UsageError(f"--storage {secretless(url)}: this is no URL: {error}") from None


def _parsed(url: str) -> URL:
    from sqlalchemy.engine import make_url

    return make_url(url)


def _journal(url: URL) -> BaseStorage:
    """A file in which each process writes what it does; they take turns by a link beside it."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    path = url.database
    if not path or url.host:
        raise UsageError(
            f"--storage {url}: a journal is a file that all processes see, such as "
            f"journal:////shared/study.log, or journal:///study.log beside the command"
        )
    # Windows keeps links for administrators.
    lock = None if HAS_LOCKS else JournalFileOpenLock(path)
    try:
        _require_journal(Path(path))
        return JournalStorage(JournalFileBackend(path, lock))
    except OSError as error:
        reason = f"cannot be opened: {error.strerror}"
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
        reason = "this is no journal of Optuna: name another file"
    raise UsageError(f"--storage {url}: {reason}")


def _require_journal(path: Path) -> None:
    """Raises where a file is something else, which Optuna would append to.

    Raises:
        ValueError: It is.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        first = file.readline(_LONGEST_ENTRY)
    if first and not (first.endswith(b"\n") and "op_code" in json.loads(first)):
        raise ValueError(first)


def _proxy(url: URL) -> BaseStorage:
    """Optuna's gRPC proxy, which asks a database for many processes."""
    from optuna.storages import GrpcStorageProxy

    if not url.host or url.database or url.username:
        raise UsageError(
            f"--storage {url}: a gRPC proxy is grpc://HOST:PORT, such as grpc://10.0.0.1:13000"
        )
    storage = GrpcStorageProxy(host=url.host, port=url.port or _PROXY_PORT)
    try:
        storage.wait_server_ready(_PROXY_SECONDS)
    except ConnectionError:
        storage.close()
        raise UsageError(
            f"--storage {url}: no proxy answers within {_PROXY_SECONDS} s: start one there, by "
            f"optuna.storages.run_grpc_proxy_server"
        ) from None
    return storage


def _database(url: str) -> RDBStorage:
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

    waits = (
        {"connect_args": {"timeout": _BUSY_SECONDS}} if is_file(url) else {"pool_pre_ping": True}
    )
    silent = is_file(url) and HAS_LOCKS  # the locks say who is alive
    for attempt in range(_ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(
                url,
                engine_kwargs=waits,
                heartbeat_interval=None if silent else BEAT_SECONDS,
                grace_period=None if silent else GRACE_SECONDS,
            )
        except ArgumentError:
            raise
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
