"""Where the program is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import lru_cache
from typing import Iterator, Optional, Union

from ._errors import BinaryNotFound

_NAME = "phaseledger.exe" if os.name == "nt" else "phaseledger"


def find_binary(given: Optional[Union[str, "os.PathLike[str]"]] = None) -> str:
    """Returns the program's path: the one given, `PHASELEDGER_BIN`, the one installed with this package, or the
    first on the `PATH`.

    Raises `BinaryNotFound`; also where one is named that is not there, instead of running another.
    """
    named = [("the argument `binary`", given), ("PHASELEDGER_BIN", os.environ.get("PHASELEDGER_BIN"))]
    for by, name in named:
        if not name:
            continue
        found = shutil.which(os.fspath(name))
        if found is None:
            raise BinaryNotFound(f"{by} names `{os.fspath(name)}`, which is no program", code="no_binary")
        return os.path.abspath(found)
    for folder in _folders():
        path = os.path.join(folder, _NAME)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    found = shutil.which(_NAME)
    if found is None:
        raise BinaryNotFound(
            "no program `phaseledger` is beside the interpreter or on the PATH",
            code="no_binary",
            hint="install the wheel, `cargo install` the program, or name it in PHASELEDGER_BIN",
        )
    return os.path.abspath(found)


def _folders() -> Iterator[str]:
    """The folders that installers put programs in: for everyone, for the user, and beside `--target`."""
    yield sysconfig.get_path("scripts")
    yield os.path.dirname(sys.executable)
    scheme = "nt_user" if os.name == "nt" else "posix_user"
    if scheme in sysconfig.get_scheme_names():
        yield sysconfig.get_path("scripts", scheme=scheme)
    yield os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin")


@lru_cache(maxsize=None)
def takes_pid(binary: str) -> bool:
    """Says whether the program's `start` takes the process that works (`--pid`)."""
    said = subprocess.run(
        [binary, "start", "--help"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return "--pid" in said.stdout
