"""What both managers have in common: a ledger beside their file, one child to record through, and the file as a
picture of the ledger for whoever reads it."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import math
import os
import time
import uuid
import weakref
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

from .. import Ledger, NoLedger, PhaseStatus, Reply, Stream, UsageError
from .._commands import When

try:
    import fcntl
except ImportError:
    # Where there are no such locks, two who draw at once may leave the older picture.
    fcntl = None  # type: ignore[assignment]

PathLike = Union[str, "os.PathLike[str]"]

#: The longest reason or error message of the ledger, in bytes; what is longer is cut.
_TEXT_BYTES_MAX = 64 * 1024

#: How long to wait for others who draw the file, in seconds; they take some milliseconds.
_DRAWING_SECONDS_MAX = 10

#: What a log record has besides, for the programs: ANSWER where the caller learns it by the answer as well, NOTE where
#: it is worth telling though nothing is wrong.
TOLD = "phaseledger_told"
ANSWER = "answer"
NOTE = "note"


def folder_of(file: Path) -> Path:
    """Returns the folder of the ledger of a file."""
    return file.with_name(f"{file.stem}.ledger")


def phases_in(ledger: Ledger) -> Sequence[PhaseStatus]:
    """Returns where the phases of a ledger stand; none where it is not there, or is being made."""
    if ledger.path is None or not os.path.isdir(os.path.join(ledger.path, "log")):
        return ()
    try:
        return ledger.status().phases
    except NoLedger:
        return ()


def workflow_in(ledger: Ledger, preferred: str) -> Optional[str]:
    """Returns the workflow that a ledger has, the preferred one of several; none where it has none, or is not there.

    Raises `UsageError` where it has others than the preferred one, and more than one.
    """
    names = sorted({one.workflow for one in phases_in(ledger)})
    if preferred in names or not names:
        return preferred if names else None
    if len(names) > 1:
        raise UsageError(
            f"the ledger `{ledger.path}` has the workflows {', '.join(names)}, expected one", code="usage"
        )
    return names[0]


class Kept:
    """A ledger beside a file: `workflow_state/phase_status.json` has `workflow_state/phase_status.ledger/`."""

    def __init__(self, file: Path, workflow: str) -> None:
        self.file = file
        self.workflow = workflow
        file.parent.mkdir(parents=True, exist_ok=True)
        self.folder = folder_of(file)
        self.ledger = Ledger(self.folder)
        self._stream: Optional[Stream] = None
        self._process = os.getpid()
        atexit.register(_close, weakref.ref(self))

    def known(self) -> List[str]:
        """Returns the phases that the ledger has; none where there is no ledger yet."""
        return [one.phase for one in phases_in(self.ledger) if one.workflow == self.workflow]

    def define(self, definition: Mapping[str, Any], occurred_at: Optional[When] = None) -> None:
        """Makes the ledger where there is none, and puts a definition in force unless it is the last one that was.
        The workflow file in the ledger's folder is that definition, for people."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "workflow.toml"
        text = toml_of(definition)
        # Another process may be making the ledger just now.
        with self.drawing():
            is_there = (self.folder / "log").is_dir()
            if is_there and path.exists() and path.read_text(encoding="utf-8") == text:
                return
            if not is_there:
                self.ledger.init()
            self.ledger.define(definition, occurred_at=occurred_at)
            write_whole(path, text)

    @property
    def stream(self) -> Stream:
        """The child to record through: opened when it is needed, and kept; a forked process gets its own."""
        if self._stream is None or self._process != os.getpid():
            self._process = os.getpid()
            self._stream = self.ledger.stream(keep_going=True)
        return self._stream

    def close(self) -> None:
        """Ends the child."""
        if self._stream is not None and self._process == os.getpid():
            self._stream.close()
        self._stream = None

    def old(self) -> Optional[Dict[str, Any]]:
        """Returns what the file holds, where it is not a picture of the ledger: an older manager wrote it."""
        if not self.file.exists():
            return None
        try:
            data = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(data, dict):
            return {}
        if data.get("ledger") != self.folder.name:
            return data
        if (self.folder / "log").is_dir():
            return None
        # The picture came without its ledger, as from a repository that has the one and not the other. Without
        # the mark, it is taken over even when that is cut short.
        del data["ledger"]
        write_whole(self.file, json.dumps(data, indent=2))
        return data

    def keep_old(self) -> Path:
        """Keeps the older manager's file under another name, unless one is kept already."""
        kept = self.file.with_name(f"{self.file.name}.before-ledger")
        if not kept.exists():
            kept.write_bytes(self.file.read_bytes())
        return kept

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Keeps others from drawing the file meanwhile. Whoever asks the ledger and draws within it leaves no older
        picture over a newer one. It is the ledger's folder that is locked: nothing else locks it."""
        if fcntl is None:
            yield
            return
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            until = time.monotonic() + _DRAWING_SECONDS_MAX
            while time.monotonic() < until:
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.005)
                except OSError:
                    # This file system has no locks.
                    break
            yield
        finally:
            os.close(folder)

    def picture(self, data: Mapping[str, Any], logger: logging.Logger) -> None:
        """Writes the file anew."""
        whole = {"last_updated": datetime.now().isoformat(), "ledger": self.folder.name, **data}
        try:
            write_whole(self.file, json.dumps(whole, indent=2, default=str))
        except OSError as error:
            logger.error("cannot write %s: %s; the ledger has it all the same", self.file, error)


def _close(kept: "weakref.ref[Kept]") -> None:
    found = kept()
    if found is not None:
        found.close()


def results(replies: Iterable[Reply]) -> List[Optional[BaseException]]:
    """Waits for replies; returns what each was refused with."""
    return [reply.exception() for reply in replies]


def write_whole(path: Path, text: str) -> None:
    """Writes a file whole or not at all. A link stays one; a pipe or a device is written to as it is."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = Path(os.path.realpath(path))
    beside = path.with_name(f".{path.name}.{uuid.uuid4()}")
    try:
        with open(beside, "x", encoding="utf-8") as file:
            file.write(text)
        if path.exists():
            os.chmod(beside, path.stat().st_mode & 0o777)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def toml_of(definition: Mapping[str, Any]) -> str:
    """Writes a definition as a workflow file."""
    lines = ["# Made by phaseledger.compat of what the script's manager says. Change that instead."]
    tables = {"workflow": definition["workflow"]}
    for key, value in definition["workflow"].items():
        if isinstance(value, dict):
            tables[f"workflow.{key}"] = value
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_keys(table)]
    for phase in definition["phase"]:
        lines += ["", "[[phase]]", *_keys(phase)]
    return "\n".join(lines) + "\n"


def _keys(table: Mapping[str, Any]) -> List[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items() if not isinstance(value, dict)]


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def local(time: Optional[datetime]) -> Optional[str]:
    """Writes a time as the older managers do: local, without a zone, in ISO 8601."""
    return None if time is None else time.astimezone().replace(tzinfo=None).isoformat()


def moment(text: Any) -> Optional[datetime]:
    """Reads such a time, or one with a zone; none where it is no time, or in the future."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    return min(time, datetime.now(timezone.utc))


def text_of(value: Any, otherwise: str) -> str:
    """Returns a reason or a message that the ledger takes."""
    text = str(value).strip() if value is not None else ""
    whole = (text or otherwise).encode("utf-8", "replace")
    return whole[:_TEXT_BYTES_MAX].decode("utf-8", "ignore")


def object_of(metadata: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Returns metadata as a JSON object: what JSON has not is kept as text, as the older managers do."""
    return {str(key): _value(value) for key, value in (metadata or {}).items()}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return object_of(value)
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return str(value).encode("utf-8", "replace").decode("utf-8")
