r"""Compiles the extension with the system's C++ compiler into the user's private cache.

``CXX`` and ``CXXFLAGS`` are read as by other builds. With sanitizers, in a cache of its own:

    export XDG_CACHE_HOME=$(mktemp -d) CXXFLAGS="-g -fsanitize=address,undefined"
    cnnkit doctor --build
    LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)" \
        ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
        pytest -n 0 tests/network/kernels/test_onednn.py tests/network/kernels/test_inference.py \
            tests/network/kernels/test_batch_norm.py tests/network/kernels/test_pools.py
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

from cnnkit.errors import CnnkitError
from cnnkit.folders import make_private, user_cache
from cnnkit.network.kernels.processor import instructions

LIBRARY, HEADERS = "onednn-cpu-gomp", "onednn-devel-cpu-gomp"
_HERE = Path(__file__).parent
SOURCES = tuple(sorted(path.name for path in _HERE.glob("*.cc")))
INCLUDED = tuple(sorted(path.name for path in _HERE.glob("*.h")))
FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-fopenmp")
VECTORS = (("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"), ("avx2", "fma"))
"""Instructions by the names that Linux and compilers have for them, the best first."""


class BuildError(CnnkitError):
    """The extension could not be compiled."""


def unsupported() -> str | None:
    """Why this machine can't have the extension, or None."""
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return None
    return f"the extension is for Linux on x86_64, not {platform.system()} {platform.machine()}"


def not_installed() -> str | None:
    """What is missing of the extra, or None."""
    if find_spec("jaxlib") is None:
        return "JAX is not installed: `pip install 'cnnkit[train]'`"
    for package in (LIBRARY, HEADERS):
        try:
            distribution(package)
        except PackageNotFoundError:
            return "oneDNN is not installed: `pip install 'cnnkit[train,onednn]'`"
    return None


def version() -> str:
    """The version of the library's package."""
    return version_of(LIBRARY)


@cache
def library() -> Path:
    """Where the extension is, or will be: a file for each version of what it is made from."""
    digest = hashlib.sha256()
    for part in (version_of("jaxlib"), version(), str(_file(LIBRARY, "libdnnl.so.3")), *_flags()):
        digest.update(part.encode() + b"\0")
    for name in (*SOURCES, *INCLUDED):
        digest.update((_HERE / name).read_bytes())
    return user_cache() / "onednn" / f"convolution-{digest.hexdigest()[:16]}.so"


def untrusted(path: Path) -> str | None:
    """Why a built extension must not be loaded, or None: it is code, so it must be the user's."""
    if problem := make_private(path.parent):
        return problem
    state = path.stat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o022:
        return f"{path} can be changed by other users"
    return None


def build() -> Path:
    """Compile the extension, in about half a minute.

    Returns:
        The shared library, which ``load`` finds.

    Raises:
        BuildError: There is no compiler, something is not installed, or the compiler failed.
    """
    if problem := unsupported() or not_installed():
        raise BuildError(problem)
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise BuildError("there is no C++ compiler: install g++ (Debian: `apt install g++`)")
    target = library()
    if problem := make_private(target.parent):
        raise BuildError(problem)
    # Under another name first, for another process may look for it meanwhile.
    partial = target.with_suffix(f".{os.getpid()}")
    try:
        done = subprocess.run(  # noqa: S603 - the compiler that the user's system has
            [compiler, *_flags(), *_arguments(), "-o", str(partial)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BuildError(f"{compiler} failed:\n{done.stderr.strip()}")
        partial.chmod(0o700)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _flags() -> list[str]:
    return [*FLAGS, *_vectors(), *shlex.split(os.environ.get("CXXFLAGS", ""))]


def _vectors() -> tuple[str, ...]:
    """The widest vectors that this machine has: one with others has a library of its own."""
    for wanted in VECTORS:
        if instructions().issuperset(wanted):
            return tuple(f"-m{name}" for name in wanted)
    return ()


def _arguments() -> list[str]:
    import jax

    dnnl = _file(LIBRARY, "libdnnl.so.3")
    headers = next(
        parent for parent in _file(HEADERS, "dnnl.hpp").parents if parent.name == "include"
    )
    return [
        *(str(_HERE / name) for name in SOURCES),
        "-isystem",
        jax.ffi.include_dir(),
        "-isystem",
        str(headers),
        str(dnnl),
        f"-Wl,-rpath,{dnnl.parent}",
    ]


def _file(package: str, name: str) -> Path:
    for file in distribution(package).files or ():
        if file.name == name:
            return Path(str(file.locate())).resolve()
    raise BuildError(f"{package} has no {name}: install it again")
