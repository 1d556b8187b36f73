"""What the programs for shell scripts have in common: flags in, text out, one line for what went wrong.

```text
  words ──parse──▶ what was given ──act──▶ lines on stdout, an exit code
            │                        │
            └───── Refused ◀─────────┴── warnings of the manager ──▶ one line each on stderr
```

Lines are written when all is done, so that who stops reading early stops nothing.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import os
import shlex
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .. import Damaged, InputOutputError, LedgerError, LockTimeout, UsageError
from ._kept import NOTE, TOLD, write_whole

#: Exit codes, those of `phaseledger` where it has the case.
DONE, REFUSED, WRONG, DAMAGED, FAILED, BUSY, INTERRUPTED = 0, 1, 2, 5, 74, 75, 130

#: Amounts beyond these powers of ten are slips of the pen.
_EXPONENT_MAX = 18

_HELP = ("-h", "--help")


class Refused(Exception):
    """Why nothing was done: what was found, what was expected, what to do. `exit_code` goes to the shell."""

    def __init__(self, message: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def wrong(message: str) -> Refused:
    """Returns the refusal of a call that is wrong in itself."""
    return Refused(message, WRONG)


@dataclass(frozen=True)
class Flag:
    """A flag: `takes` is what its value is called, none where it takes none; `of` are the flags it goes with, none
    where it goes with all. A `verb` says what to do: one call has at most one."""

    name: str
    takes: Optional[str]
    says: str
    of: Tuple[str, ...] = ()
    verb: bool = False
    needs: Tuple[str, ...] = ()


Given = Mapping[str, str]


@dataclass(frozen=True)
class Program:
    """A program: its short name, what it is, its flags, and what does the work. `act` takes what was given and a
    function that says a line on stdout; it returns the exit code."""

    name: str
    what: str
    flags: Sequence[Flag]
    act: Callable[[Given, Callable[[str], None]], int]
    notes: str

    def main(self, words: Optional[Sequence[str]] = None) -> int:
        """Does what the words ask, those of the process unless some are given; returns the exit code."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal without these characters gets a `?`, and not a traceback.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
        handler = _Telling(self.name)
        logger = logging.getLogger("phaseledger.compat")
        before = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        lines: List[str] = []
        try:
            code = self._do(sys.argv[1:] if words is None else words, lines)
        finally:
            logger.removeHandler(handler)
            logger.level, logger.propagate = before
        code = FAILED if code == DONE and handler.has_failed else code
        return self._write(lines, code)

    def _do(self, words: Sequence[str], lines: List[str]) -> int:
        try:
            given = self.parse(words)
            if given is None:
                lines.append(self.help())
                return DONE
            return self.act(given, lines.append)
        except Refused as refused:
            tell(self.name, "error", str(refused))
            return refused.exit_code
        except LedgerError as error:
            tell(self.name, "error", _said(error))
            return _exit_code(error)
        except OSError as error:
            at = f"`{error.filename}`: " if error.filename else ""
            tell(self.name, "error", f"{at}{error.strerror or error}; nothing else was done")
            return FAILED
        except KeyboardInterrupt:
            tell(
                self.name,
                "error",
                "interrupted; `--status`, `--summary` or `--report` tells what was recorded",
            )
            return INTERRUPTED

    def _write(self, lines: Sequence[str], code: int) -> int:
        """Writes the answer. Where nobody reads it, there is nobody to tell; what was done is done."""
        if sys.stdout is None:
            return code
        shown = _harmless if sys.stdout.isatty() else str
        try:
            for line in lines:
                print(shown(line))
            sys.stdout.flush()
        except OSError as error:
            # The interpreter flushes once more as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                return code
            message = f"cannot write the answer: {error.strerror}; what was asked is done all the same"
            tell(self.name, "error", message)
            return FAILED
        return code

    def parse(self, words: Sequence[str]) -> Optional[Dict[str, str]]:
        """Reads the words; returns each flag with its value, or none where help is asked for."""
        known = {flag.name: flag for flag in self.flags}
        given: Dict[str, str] = {}
        rest = list(words)
        before: Optional[Flag] = None
        while rest:
            word = rest.pop(0)
            if word in _HELP:
                return None
            name, has_value, value = word.partition("=")
            flag = known.get(name)
            if flag is None:
                raise self._unknown(word, before)
            if flag.takes is None:
                if has_value:
                    raise wrong(f"`{name}` takes no value, but was given `{value}`")
            elif not has_value:
                value = self._value(flag, rest, known)
            if name in given:
                raise wrong(
                    f"`{name}` is there twice, expected once: one call does one thing; call again for the other"
                )
            given[name] = _utf8(name, value)
            before = flag
        self._check(given, known)
        return given

    def _value(self, flag: Flag, rest: List[str], known: Mapping[str, Flag]) -> str:
        """Takes a flag's value off the words: the next one, also where it begins with `-`, unless it is a flag."""
        if not rest:
            raise wrong(f"`{flag.name}` has no value, expected {flag.takes} after it")
        word = rest[0]
        if word in _HELP or word.partition("=")[0] in known:
            raise wrong(
                f"`{flag.name}` has no value, expected {flag.takes} after it and found the flag `{word}`; "
                f"if that is the value, write `{flag.name}={word}`"
            )
        return rest.pop(0)

    def _unknown(self, word: str, before: Optional[Flag]) -> Refused:
        name = word.partition("=")[0]
        if name.startswith("-") and name != "-":
            near = difflib.get_close_matches(name, [flag.name for flag in self.flags], 1)
            tip = f"did you mean `{near[0]}`?" if near else "`--help` lists the flags"
            return wrong(f"there is no flag `{name}`; {tip}")
        if before is None:
            return wrong(f"`{word}` belongs to no flag; `--help` lists the flags")
        if before.takes is None:
            return wrong(
                f"`{before.name}` takes no value, but `{word}` follows it; `--help` tells what goes with it"
            )
        return wrong(f"`{word}` is a second word after `{before.name}`, expected one: quote the whole value")

    def _check(self, given: Given, known: Mapping[str, Flag]) -> None:
        """Checks that what was given goes together."""
        verbs = [name for name in given if known[name].verb]
        if len(verbs) > 1:
            both = " and ".join(f"`{name}`" for name in verbs)
            raise wrong(f"{both} are {len(verbs)} things to do, expected one: call once for each")
        for name, value in given.items():
            flag = known[name]
            if flag.of and not any(other in given for other in flag.of):
                missing = "which is not there" if len(flag.of) == 1 else "and none of them is there"
                raise wrong(f"`{name}` goes with {_any_of(flag.of)}, {missing}")
            if flag.verb and flag.takes is not None and not value.strip():
                raise wrong(f"the value of `{name}` is empty, expected {flag.takes}: is a variable unset?")
            for other in flag.needs:
                if other not in given:
                    raise wrong(f"`{name}` needs `{other} {known[other].takes}`, which is not there")

    def help(self) -> str:
        """Returns what `--help` prints."""
        names = [flag.name if flag.takes is None else f"{flag.name} {flag.takes}" for flag in self.flags]
        width = max(map(len, names)) + 2
        verbs = [(name, flag) for name, flag in zip(names, self.flags) if not flag.of]
        options = [(name, flag) for name, flag in zip(names, self.flags) if flag.of]
        lines = [f"usage: python -m phaseledger.compat.{self.name} [FLAG [VALUE]]…", "", self.what, ""]
        lines += [f"  {name:<{width}}{flag.says}" for name, flag in verbs]
        lines += ["", "What goes with some of them:"]
        lines += [f"  {name:<{width}}{flag.says}" for name, flag in options]
        return "\n".join([*lines, "", self.notes])


class _Telling(logging.Handler):
    """Writes what a manager warns of to stderr, a line each, unless the answer says it too."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.INFO)
        self._name = name
        self.has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, TOLD, None)
        if record.levelno >= logging.ERROR and told is None:
            self.has_failed = True
            tell(self._name, "error", record.getMessage())
        elif record.levelno >= logging.WARNING and told is None:
            tell(self._name, "warning", record.getMessage())
        elif told == NOTE:
            tell(self._name, "note", record.getMessage())


def tell(program: str, kind: str, message: str) -> None:
    """Writes one line to stderr. Where that is closed there is nobody to tell."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        print(f"{program}: {kind}: {_harmless(' '.join(message.split()))}", file=sys.stderr, flush=True)


def _harmless(text: str) -> str:
    """Escapes what a terminal would act on."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


def _said(error: LedgerError) -> str:
    if isinstance(error, LockTimeout):
        return f"{error.message}; try again once the other one is done"
    # The hint of a command that is wrong in itself is about lines of `append`, which nobody wrote here.
    is_ours = error.hint is None or isinstance(error, UsageError)
    return error.message if is_ours else f"{error.message}; {error.hint}"


def _exit_code(error: LedgerError) -> int:
    kinds = {UsageError: WRONG, Damaged: DAMAGED, InputOutputError: FAILED, LockTimeout: BUSY}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), error.exit_code or FAILED)


def _utf8(name: str, value: str) -> str:
    """Returns a value as it was written, also where the locale has other characters than UTF-8."""
    try:
        value.encode("utf-8")
        return value
    except UnicodeEncodeError:
        pass
    try:
        return os.fsencode(value).decode("utf-8")
    except UnicodeError:
        raise wrong(f"the value of `{name}` is not UTF-8") from None


def _any_of(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def unknown_phase(phase: str, phases: Iterable[str], listing: str) -> Refused:
    """Returns the refusal of a phase that is not among those of the workflow."""
    near = difflib.get_close_matches(phase, list(phases), 1)
    tip = f"did you mean `{near[0]}`?" if near else f"{listing} lists its phases"
    return Refused(f"the workflow has no phase `{phase}`; {tip}")


def amount_from(name: str, text: str, *, least: Optional[int] = None) -> Decimal:
    """Reads a flag's amount, digit for digit."""
    try:
        amount = Decimal(text) if text.isascii() and "_" not in text else Decimal("nan")
    except ArithmeticError:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise wrong(f"`{name}` is `{text}`, expected an amount such as 15.50")
    if amount and abs(amount.adjusted()) > _EXPONENT_MAX:
        raise wrong(
            f"`{name}` is `{text}`, expected an amount between 1e-{_EXPONENT_MAX} and 1e{_EXPONENT_MAX}"
        )
    if least is not None and amount < least:
        raise wrong(f"`{name}` is `{text}`, expected {least} or more")
    return amount


def count_from(name: str, text: str) -> int:
    """Reads a flag's whole number of 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= _EXPONENT_MAX):
        raise wrong(f"`{name}` is `{text}`, expected a whole number such as 12")
    return int(text)


def metadata_from(name: str, text: Optional[str]) -> Optional[Dict[str, Any]]:
    """Reads a flag's JSON object."""
    if text is None:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise wrong(
            f"`{name}` is no JSON ({error}), expected an object such as '{{\"books\": 45}}' in quotes"
        ) from None
    if not isinstance(value, dict):
        raise wrong(f"`{name}` is `{text}`, expected an object such as '{{\"books\": 45}}'")
    return value


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def money(amount: Decimal, places: int = 2) -> str:
    """Writes an amount exactly, with as many digits after the point as it has, or `places` if that is more."""
    exponent = amount.normalize().as_tuple().exponent
    return f"{amount:.{max(places, -exponent if isinstance(exponent, int) else places)}f}"


def dollars(amount: Decimal, places: int = 2) -> str:
    """Writes an amount with its sign before the currency's."""
    return f"{'-' if amount < 0 else ''}${money(abs(amount), places)}"


def file_from(given: Given, otherwise: str) -> Path:
    """Reads the flag `--file`."""
    file = Path(given.get("--file", otherwise))
    if not file.name:
        raise wrong(f"`--file` is `{given['--file']}`, expected a file such as {otherwise}")
    return file


def report_to(path: str, report: str) -> None:
    """Writes a report to a file."""
    try:
        write_whole(Path(path), report)
    except OSError as error:
        why = f"{error.strerror}; `--output` names another file, or `-` for stdout alone"
        raise Refused(f"cannot write the report to `{path}`: {why}", FAILED) from None


def check_file(file: Path, ledger: Path, key: str, other: str, program: str) -> None:
    """Refuses a file that a manager would write over though it is another one's: one that is there, is none with
    `key` in it, and has no ledger beside it. One with `other` in it is that of the other program."""
    if not file.exists():
        if file.is_symlink():
            raise Refused(f"`{file}` is a link to `{os.readlink(file)}`, which is not there")
        return
    if not file.is_file():
        raise Refused(f"`{file}` is {'a folder' if file.is_dir() else 'a device or a pipe'}, expected a file")
    text = file.read_bytes()
    try:
        found: Any = json.loads(text)
        why = f"no object with `{key}`"
    except (ValueError, RecursionError) as error:
        found, why = None, f"no JSON ({error})"
    has = found if isinstance(found, dict) else {}
    if other in has and key not in has:
        raise Refused(
            f"`{file}` is a file of `python -m phaseledger.compat.{program}`, expected one with `{key}`"
        )
    is_ours = isinstance(has.get(key), (dict, list)) or not text.strip()
    if not is_ours and not (ledger / "log").is_dir():
        aside = shlex.quote(f"{file}.aside")
        raise Refused(
            f"`{file}` is {why}, expected what the status or cost manager wrote; nothing was changed: "
            f"mend it, or begin anew after `mv {shlex.quote(str(file))} {aside}`"
        )
