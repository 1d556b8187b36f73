"""`python -m phaseledger.compat` finds out which of the two programs is meant."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from . import costs, phases
from ._flags import WRONG, tell

_WHAT = """\
usage: python -m phaseledger.compat.phases FLAG…    where phases stand: --start --complete --fail --rerun --status …
       python -m phaseledger.compat.costs FLAG…     what they cost: --record --check --approve --remaining …

Without `.phases` and `.costs` the flags tell which one is meant, unless both have them (--report, --summary …): then
`phases` or `costs` before them does. Each has `--help`."""


def main(words: Optional[Sequence[str]] = None) -> int:
    """Does what the words ask, those of the process unless some are given; returns the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    programs = {"phases": phases.PROGRAM, "costs": costs.PROGRAM}
    if given and given[0] in programs:
        return programs[given[0]].main(given[1:])
    flags = [word.partition("=")[0] for word in given]
    verbs = {name: {flag.name for flag in program.flags} for name, program in programs.items()}
    meant = next((name for flag in flags for name in verbs if _is_of(flag, name, verbs)), None)
    if meant is not None:
        return programs[meant].main(given)
    if "--help" in given or "-h" in given:
        print(_WHAT)
        return 0
    found = f"`{' '.join(given)}` is of both" if given else "no flag is there"
    tell(
        "compat",
        "error",
        f"{found}, expected `phases` or `costs` first, as in `python -m phaseledger.compat phases --report`",
    )
    return WRONG


def _is_of(flag: str, name: str, verbs: "dict[str, set[str]]") -> bool:
    """Says whether a flag is one of this program alone."""
    return flag in verbs[name] and sum(flag in all_of for all_of in verbs.values()) == 1


if __name__ == "__main__":
    sys.exit(main())
