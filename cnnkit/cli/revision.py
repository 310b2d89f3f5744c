"""A spec as it was in a git revision: ``HEAD~1:specs/a.yaml``.

Git is run as plumbing with the revision resolved to a hash first, so that nothing a user writes
is ever an option of git, and no filter or program of a repository's configuration is run.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cnnkit.errors import UsageError
from cnnkit.spec.reading import Reading, finish, is_model
from cnnkit.spec.text.limits import MAX_FILE_BYTES
from cnnkit.spec.text.scalars import shortened
from cnnkit.spec.text.source import read_file

# As many as `extends:` follows, so that what it reads is there and its own message is given.
_MAX_CHAIN = 12


def is_revision(source: str) -> bool:
    """Whether a source reads as ``REV:path``; a file of that name is for the caller to see."""
    revision, colon, path = source.partition(":")
    return bool(revision and colon and path)


def is_whole_revision(source: str) -> bool:
    """Whether a source is ``REV:``, all files of a revision."""
    return source.endswith(":") and len(source) > 1


def root_of_repository() -> Path:
    """The top folder of the repository that the current folder is in.

    Raises:
        UsageError: It is in none.
    """
    found = _git("rev-parse", "--show-toplevel")
    if found.returncode:
        raise UsageError("there is no git repository here")
    return Path(os.path.realpath(os.fsdecode(found.stdout.rstrip(b"\n"))))


def changed_since(revision: str) -> dict[str, str]:
    """The files that are not what they were in a revision, each with git's letter for it.

    Raises:
        UsageError: There is no such revision.
    """
    found = _git(
        "diff", "-z", "--name-status", "--no-renames", "--no-relative", _commit(revision), "--"
    )
    parts = os.fsdecode(found.stdout).split("\0")
    return dict(zip(parts[1::2], parts[::2], strict=False))


def in_revision(revision: str, path: str) -> bool:
    """Whether a revision has a file at a path from the root of the repository on."""
    return not _git("cat-file", "-e", f"{revision}:{path}").returncode


def read_revision(source: str, assignments: Sequence[str] = ()) -> Reading:
    """The spec of ``REV:path``, and of the same revision what it extends.

    Raises:
        UsageError: There is no git, no such revision, or no such file in it.
    """
    revision, _, path = source.partition(":")
    if revision.startswith("-"):
        raise UsageError(f"{shortened(source)}: a revision does not begin with `-`")
    if "\0" in source or "\n" in source:
        raise UsageError(f"{shortened(source)!r} is no revision and path")
    commit = _commit(revision)
    content = _blob(commit, path, None if is_model(path) else MAX_FILE_BYTES)
    if content is None:
        raise UsageError(f"there is no file {shortened(path)} in {shortened(revision)}")
    if is_model(path):
        return _model(content, path, source, assignments)
    with TemporaryDirectory(prefix="cnnkit-") as folder:
        root = Path(folder).resolve()
        (root / ".git").mkdir()  # the root of the repository is that of the copy: see `extends`
        spec = root / posixpath.normpath(_from_root(path))
        spec.parent.mkdir(parents=True, exist_ok=True)
        spec.write_bytes(content)
        node, findings = read_file(spec, source)
        _fetch_extended(commit, root, spec)
        reading = finish(node, findings, assignments, spec)
    if reading.spec is None:
        return reading
    origin = reading.spec.origin._replace(file=source)  # not the copy, which is gone
    return Reading(reading.spec.read_from(origin), reading.findings)


def _model(content: bytes, path: str, source: str, assignments: Sequence[str]) -> Reading:
    """The spec of a model. Tensors that it keeps in other files are not fetched."""
    from cnnkit.importing.source import read_model

    with TemporaryDirectory(prefix="cnnkit-") as folder:
        copy = Path(folder) / posixpath.basename(path)
        copy.write_bytes(content)
        return read_model(copy, assignments, source)


def _from_root(path: str) -> str:
    """A path of git's from the root of the repository; `./a` is one from the current folder."""
    if not path.startswith(("./", "../")):
        return path
    return _git("rev-parse", "--show-prefix").stdout.decode(errors="replace").strip() + path


def _fetch_extended(commit: str, root: Path, spec: Path) -> None:
    """Puts what a spec extends, and what that extends, where it is in the repository.

    What lies outside is left out: `extends:` refuses it by itself.
    """
    here = spec
    for _ in range(_MAX_CHAIN):
        node, _ = read_file(here)
        top = node.value if node is not None else None
        reference = top.get("extends") if isinstance(top, dict) else None
        name = reference.value if reference is not None else None
        if not isinstance(name, str) or not name or "\0" in name or posixpath.isabs(name):
            return
        try:
            target = Path(posixpath.normpath(here.parent / name))
            content = _blob(commit, target.relative_to(root).as_posix())
            if content is None or target.exists():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except (OSError, ValueError):  # outside, or a name that no file can have
            return
        here = target


def _commit(revision: str) -> str:
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode == 0:
        return found.stdout.decode().strip()
    # What is no commit is an `error:` and needs no more words; what git refuses is `fatal:`.
    words = found.stderr.decode(errors="replace").strip()
    reason = words.removeprefix("fatal: ") if words.startswith("fatal: ") else ""
    if "not a git repository" in reason:
        raise UsageError(f"there is no file and no git repository to read {revision}: from")
    said = f": {reason}" if reason else ""
    raise UsageError(f"there is no revision {shortened(revision)}{said}")


def _blob(commit: str, path: str, limit: int | None = MAX_FILE_BYTES) -> bytes | None:
    """The content of a file, cut off just above the limit of size; None where there is none."""
    name = f"{commit}:{path}"
    if _git("cat-file", "-t", name).stdout.strip() != b"blob":
        return None
    size = int(_git("cat-file", "-s", name).stdout)
    if limit is not None and size > limit:
        return b" " * (limit + 1)  # too large is said where files are read
    return _git("cat-file", "blob", name).stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - a list of arguments, no shell
            ["git", *arguments],  # noqa: S607 - the git of the user's own PATH
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},  # what went wrong is told by its words
        )
    except OSError as error:
        raise UsageError(f"git cannot be run: {error.strerror}") from error
