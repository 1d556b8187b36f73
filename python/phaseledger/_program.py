"""Running the program: one call each, or one child for a stream."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from typing import IO, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ._commands import THROUGH_A_PIPE, Command, arguments, fits, line_of
from ._errors import LedgerError, OutcomeUnknown, UsageError, from_exit, of_one_command

#: How often a command is sent again when its outcome is not known. It is recorded once all the same: by its id.
TRIES_MAX = 4


class Program:
    """The program, with the options that every call has."""

    def __init__(
        self,
        binary: str,
        folder: Optional[str],
        by: Optional[str],
        lock_timeout: Optional[float],
        workflow: Optional[str] = None,
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.by = by
        #: Whose workflow a bare name is of, for every verb that takes one.
        self._environment = None if workflow is None else {**os.environ, "PHASELEDGER_WORKFLOW": workflow}
        self._options: List[str] = []
        if folder is not None:
            self._options.append(f"--dir={folder}")
        if lock_timeout is not None:
            self._options.append(f"--lock-timeout={round(lock_timeout * 1000)}ms")

    def ask(
        self, verb: str, *args: str, given: bytes = b"", answers: Tuple[int, ...] = (0,)
    ) -> Dict[str, Any]:
        """Asks a question. With the exit codes `answers` an answer comes."""
        answer: Dict[str, Any] = json.loads(self.run(verb, args, given=given, answers=answers))
        return answer

    def run(
        self,
        verb: str,
        args: Sequence[str] = (),
        *,
        given: bytes = b"",
        answers: Tuple[int, ...] = (0,),
        in_json: bool = True,
    ) -> bytes:
        """Runs a verb, and returns what it printed."""
        form = ["--json"] if in_json else []
        done = subprocess.run(
            [self.binary, *form, *self._options, verb, *args],
            input=given,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if done.returncode in answers and (done.returncode == 0 or done.stdout):
            return done.stdout
        raise from_exit(done.returncode, done.stderr.decode("utf-8", "replace"))

    def record(self, command: Command, *, dry_run: bool = False) -> Dict[str, Any]:
        """Records a command, again under its id where nothing tells what became of it. What does not fit into
        the arguments of a process goes through a pipe."""
        given = command.get("definition", b"")
        args = arguments(command)
        verb = command["do"]
        verb = "tag" if verb == "untag" else verb
        if self.by is not None and "by" not in command:
            args.insert(0, f"--by={self.by}")
        is_piped = verb in THROUGH_A_PIPE or not fits(command, args)
        if dry_run and is_piped:
            raise UsageError(f"`{verb}` of this kind or size has no preview", code="usage")
        if dry_run:
            args.insert(0, "--dry-run")
        if is_piped:
            verb, given, args = "append", line_of(self.signed(command)), []
        for tried in range(1, TRIES_MAX + 1):
            try:
                answer: Dict[str, Any] = json.loads(self.run(verb, args, given=given))
                return answer
            except (OutcomeUnknown, json.JSONDecodeError) as error:
                if tried == TRIES_MAX:
                    if isinstance(error, LedgerError):
                        raise
                    raise OutcomeUnknown(
                        f"the program's answer breaks off: {error}", code="unknown"
                    ) from error
                time.sleep(0.01 * 4**tried)
            except LedgerError as error:
                if is_piped:
                    raise of_one_command(error) from None
                raise
        raise AssertionError("the last try returns or raises")

    def signed(self, command: Command) -> Command:
        """Returns the command with who asks, where that was said for all."""
        return command if self.by is None else {"by": self.by, **command}

    def append(self, args: List[str]) -> AppendChild:
        """Starts `append`."""
        return AppendChild([self.binary, "--json", *self._options, "append", *args], self._environment)


class AppendChild:
    """An `append` that reads commands from a pipe.

    It is in a session of its own, so that what interrupts the caller from the keyboard does not end it before it
    has recorded that interruption. It ends when its input does.
    """

    def __init__(self, args: List[str], environment: Optional[Mapping[str, str]] = None) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                args,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=os.name != "nt",
            )
        except OSError:
            self._stderr.close()
            raise
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._stdin: IO[bytes] = self._process.stdin
        #: Its answers, one a line.
        self.answers: IO[bytes] = self._process.stdout

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def write(self, lines: bytes) -> None:
        """Hands over lines. What a child that has ended no longer takes is found out by its missing answers."""
        try:
            self._stdin.write(lines)
            self._stdin.flush()
        except (OSError, ValueError):
            pass
        except BaseException:
            # An interrupt may have come in the middle of a line. All that is not answered is sent again.
            self._process.kill()
            raise

    def end_input(self) -> None:
        """Says that no more lines follow."""
        try:
            self._stdin.close()
        except (OSError, ValueError):
            # The child is gone, or another thread writes or closes just now: the reading one must not end by that.
            pass

    def terminate(self) -> None:
        """Ends it."""
        self._process.terminate()

    def ended(self) -> Optional[LedgerError]:
        """Waits for its end, once its answers have ended; returns what it said, unless it ended well."""
        self.end_input()
        self.answers.close()
        returncode = self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace")
        self._stderr.close()
        return None if returncode == 0 else from_exit(returncode, said)


def parsed(answer: bytes) -> Optional[Mapping[str, Any]]:
    """Reads an answer; none where it breaks off."""
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
