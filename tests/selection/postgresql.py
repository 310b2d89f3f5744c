"""A PostgreSQL server of a test's own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Debian and Ubuntu keep the programs of a server off the path.
PROGRAMS = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def program(name: str) -> str | None:
    """The path of a program of the server."""
    found = shutil.which(name)
    return found or next((str(path / name) for path in PROGRAMS if (path / name).exists()), None)


def missing() -> str | None:
    """Why no server can be started here; None where one can."""
    if program("initdb") is None or program("pg_ctl") is None:
        return "PostgreSQL is not installed"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL does not run as root, and there is no user `postgres`"
    return None


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server, which listens on a socket in a folder of its own."""
    # A socket's path has 107 characters at most, which that of a test's folder may exceed.
    with tempfile.TemporaryDirectory(prefix="cnnkit-", dir="/tmp") as folder:
        data = Path(folder) / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _call(
            "initdb",
            "--auth=trust",
            "--username=cnnkit",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
            "--pgdata",
            data,
        )
        # Nothing of it is to outlive the test.
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        control = ("--pgdata", data, "--wait", "--timeout=240")
        _call("pg_ctl", "start", *control, "--options", options, "--log", Path(folder) / "log")
        try:
            yield f"postgresql+psycopg://cnnkit@/postgres?host={folder}"
        finally:
            _call("pg_ctl", "stop", *control, "--mode=immediate")


def _call(name: str, *arguments: str | Path) -> None:
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
    done = subprocess.run(
        [program(name) or name, *arguments],
        stdout=subprocess.DEVNULL,  # which the server goes on to hold
        stderr=subprocess.DEVNULL,
        cwd="/",
        timeout=300,
        check=False,
        **(as_user if os.geteuid() == 0 else {}),
    )
    assert done.returncode == 0, (name, done.returncode)


def _has_user(name: str) -> bool:
    import pwd

    return any(each.pw_name == name for each in pwd.getpwall())
