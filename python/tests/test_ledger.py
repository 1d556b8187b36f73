"""`Ledger`: what it records, what it answers, and what it raises."""

import json
import os
import subprocess
import sys
import unittest
from datetime import date, datetime, timedelta, timezone
from unittest import mock

from support import SMALL, Scene

from phaseledger import (
    BinaryNotFound,
    Conflict,
    Damaged,
    IdConflict,
    IllegalTransition,
    Ledger,
    LedgerError,
    LockTimeout,
    NoLedger,
    NotFound,
    OutcomeUnknown,
    Rejected,
    State,
    UnknownPhase,
    UnmetNeeds,
    UsageError,
    find_binary,
)

LONG_AGO = datetime(2025, 10, 29, 18, 26, 36, tzinfo=timezone.utc)


class Recording(Scene):
    def test_a_phase_goes_its_way(self) -> None:
        ledger = self.small()
        self.assertEqual(ledger.start("a", metadata={"books": 45, "of": [1.5, None]}).status, "appended")
        (self.folder / "out.txt").write_text("x")
        ledger.complete("a", outputs=[self.folder / "out.txt"], metadata={"pages": 7})
        a = ledger.status("a").phases[0]
        self.assertEqual((a.state, a.attempt), (State.COMPLETE, 1))
        self.assertEqual(a.metadata, {"books": 45, "of": [1.5, None], "pages": 7})
        assert a.started_at is not None and a.completed_at is not None and a.duration_seconds is not None
        self.assertAlmostEqual(a.duration_seconds, (a.completed_at - a.started_at).total_seconds(), places=5)
        completed = ledger.log(kind="phase_completed")[0]
        self.assertTrue(completed.data["output"].startswith("blake3:"))

    def test_what_is_there_is_accepted(self) -> None:
        ledger = self.small()
        out = self.folder / "out.txt"
        out.write_text("x")
        ledger.start("a")
        ledger.fail("a", "the upload broke")
        with self.assertRaises(LedgerError):
            ledger.accept("a", "by hand", outputs=[self.folder / "missing"])
        ledger.accept("a", "by hand", outputs=[out])
        ledger.rerun("a", "look at it")
        ledger.accept("a", "as it is", digest="sha256:" + "0" * 64)
        first, second = (event.data for event in ledger.log(kind="phase_accepted"))
        self.assertTrue(first["outputs"][0]["path"].endswith("out.txt"))
        self.assertEqual((second["reason"], second["output"]), ("as it is", "sha256:" + "0" * 64))
        self.assertEqual(ledger.status("a").phases[0].state, State.COMPLETE)

    def test_each_verb_reaches_the_ledger(self) -> None:
        ledger = self.small()
        ledger.start("a", reason=None)
        ledger.fail("a", "no memory", exit_code=0, metadata={"n": 1})
        ledger.skip("b", "not today")
        ledger.start("a")
        ledger.complete("a", digest="sha256:" + "0" * 64)
        ledger.rerun("a", "new books")
        ledger.reset("b", "again")
        ledger.reset_all("from the start", workflow="w")
        ledger.meta("a", {"k": "v"})
        ledger.note("seen", phase="a")
        ledger.note("-- not an option")
        ledger.tag("release")
        ledger.tag("first", 1)
        ledger.tag("first", 2, force=True)
        ledger.untag("release", "not yet")
        self.assertEqual([(tag.name, tag.seq) for tag in ledger.tags()], [("first", 2)])
        kinds = [event.kind for event in ledger.log(roots=True)] + [event.kind for event in ledger.log()]
        for kind in (
            "phase_failed",
            "phase_skipped",
            "rerun_marked",
            "phase_reset",
            "metadata_recorded",
            "tag_set",
        ):
            self.assertIn(kind, kinds)
        self.assertEqual(
            [e.data["text"] for e in ledger.log(kind="note_added")], ["seen", "-- not an option"]
        )
        self.assertEqual(ledger.log(kind="phase_failed")[0].data["exit_code"], 0)
        event = ledger.show("tag:first").event
        assert event is not None
        self.assertEqual(event.seq, 2)

    def test_a_rerun_reaches_what_was_built_on_it(self) -> None:
        ledger = self.small()
        for phase in "abc":
            ledger.start(phase)
            ledger.complete(phase)
        preview = ledger.preview().rerun("a", "new books")
        self.assertEqual(preview.status, "preview")
        self.assertEqual(ledger.status().summary["COMPLETE"], 3)
        answer = ledger.rerun("a", "new books")
        self.assertEqual([(one.phase, one.to) for one in answer.derived], [("w/c", State.NEEDS_RERUN)])
        why = ledger.why("c")
        self.assertEqual([root.reason for root in why.roots], ["new books"])
        self.assertEqual(why.chain[1].edge, ("a", "c"))
        self.assertEqual(why.state, State.NEEDS_RERUN)
        for again in ({"rerun": True}, {"take_over": True}):
            answer = ledger.start("b", reason="to be sure", **again)
            self.assertIn("phase_started", [one.kind for one in answer.derived])
        self.assertEqual(ledger.status()["b"].attempt, 3)

    def test_found_31_mistakes_are_taken_back(self) -> None:
        ledger = self.small()
        for phase in "abc":
            ledger.start(phase)
            ledger.complete(phase)

        def complete() -> bool:
            return ledger.status().summary["COMPLETE"] == 3

        ledger.rerun("a", "a slip", id="key:slip")
        self.assertFalse(complete())
        taken = ledger.revert("key:slip", "it was another ledger")
        self.assertTrue(complete())
        self.assertEqual({one.kind for one in taken.derived}, {"rerun_cleared"})
        ledger.revert(taken.id, "no, it was this one")
        self.assertFalse(complete())
        ledger.withdraw("a", "it will do")
        self.assertTrue(complete())
        ledger.rerun("a", "new books")
        ledger.accept("a", "they are the old ones")
        ledger.accept("c", "so it is as it was")
        self.assertTrue(complete())
        note = ledger.note("nonsense", phase="a")
        ledger.revert(note.id, "nonsense")
        notes = ledger.show("a").raw["notes"]
        self.assertEqual([one.get("reverted_by") for one in notes], [note.seq + 1])
        with self.assertRaises(Rejected) as refused:
            ledger.revert(note.id, "once more")
        self.assertIn("reverted already", str(refused.exception))

    def test_a_workflow_retires_and_comes_back(self) -> None:
        ledger = self.small()
        ledger.start("a")
        before = [(phase.phase, phase.state, phase.attempt) for phase in ledger.status().phases]
        workflow = ledger.status().phases[0].workflow
        taken = ledger.retire(workflow, "the wrong file")
        self.assertEqual(ledger.status().phases, ())
        with self.assertRaises(NotFound):
            ledger.retire(workflow, "once more")
        ledger.revert(taken.id, "it was the right one")
        self.assertEqual([(phase.phase, phase.state, phase.attempt) for phase in ledger.status().phases], before)

    def test_a_definition_comes_from_anywhere(self) -> None:
        ledger = Ledger(self.folder / "ledger")
        self.assertEqual(ledger.init().status, "made")
        self.assertEqual(ledger.init().status, "unchanged")
        (self.folder / "w.json").write_text(json.dumps(SMALL))
        ledger.define(self.folder / "w.json")
        self.assertEqual(ledger.define(SMALL).status, "unchanged")
        ledger.define(SMALL, name="second")
        self.assertEqual({phase.workflow for phase in ledger.status().phases}, {"w", "second"})
        with self.assertRaises(KeyError):
            ledger.status()["a"]
        self.assertEqual(ledger.status()["second/a"].state, State.PENDING)

    def test_what_a_process_cannot_be_given_goes_through_a_pipe(self) -> None:
        ledger = self.small()
        odd = {"a=b": 1, "": 2, "big": "x" * 200_000, "nul": "\0", "ü": "日本"}
        ledger.meta("a", odd)
        self.assertEqual(ledger.status()["a"].metadata, odd)
        ledger.meta("b", {"a=b": 1})
        ledger.meta("b", {"": 2})
        self.assertEqual(ledger.status()["b"].metadata, {"a=b": 1, "": 2})
        ledger.start("a")
        ledger.fail("a", "one\0two")
        self.assertEqual(ledger.status()["a"].error, "one\0two")
        with self.assertRaises(UsageError):
            ledger.note("\ud800")

    def test_who_asks(self) -> None:
        self.small()
        ledger = Ledger(self.folder / "ledger", by="nightly")
        ledger.note("x")
        ledger.note("x", by="eva")
        ledger.meta("a", {"a=b": 1})
        with ledger.stream() as stream:
            stream.note("x")
        self.assertEqual(
            [event.by.name for event in ledger.log()], ["ana", "nightly", "eva", "nightly", "nightly"]
        )


class Safely(Scene):
    def test_found_25_the_systems_user_is_beside_the_claim(self) -> None:
        ledger = self.small()
        ledger.note("x", by="eva")
        claims = [(event.by.name, event.by.user) for event in ledger.log()]
        self.assertEqual([name for name, _ in claims], ["ana", "eva"])
        self.assertEqual(len({user for _, user in claims}), 1)
        self.assertTrue(claims[0][1])
        for name in ("a\nb", "a\u202eb", "a\x9bb"):
            with self.assertRaises(UsageError):
                ledger.note("x", by=name)

    def test_found_29_a_bare_name_is_of_the_workflow_that_is_said(self) -> None:
        self.small()
        ledger = Ledger(self.folder / "ledger", by="ana", workflow="v")
        ledger.define({"workflow": {"name": "v"}, "phase": [{"id": "a"}]})
        ledger.start("a")
        with ledger.stream() as stream:
            stream.complete("a")
        self.assertEqual({event.workflow for event in ledger.log(kind="phase_completed")}, {"v"})
        with self.assertRaises(UsageError):
            Ledger(self.folder / "ledger").start("a")

    def test_found_32_a_tag_moves_where_that_is_said(self) -> None:
        ledger = self.small()
        ledger.tag("release", 1)
        with self.assertRaises(Rejected) as refused:
            ledger.tag("release", 2)
        self.assertEqual((refused.exception.code, refused.exception.details["seq"]), ("tag_there", 1))
        self.assertEqual(ledger.tag("release", 1).status, "unchanged")
        with ledger.stream() as stream:
            stream.tag("release", 2, force=True)
        tag = ledger.tags()[0]
        self.assertEqual((tag.name, tag.seq, tag.set_seq, tag.by.name), ("release", 2, 3, "ana"))
        ledger.revert(f"e{tag.set_seq}", "a slip")
        self.assertEqual([tag.seq for tag in ledger.tags()], [1])
        self.assertEqual(ledger.preview().untag("release").status, "preview")
        ledger.untag("release")
        self.assertEqual(ledger.tags(), [])

    def test_an_id_is_recorded_once(self) -> None:
        ledger = self.small()
        first = ledger.start("a", id="key:run-7")
        again = ledger.start("a", id="key:run-7")
        self.assertEqual((again.status, again.seq), ("duplicate", first.seq))
        with self.assertRaises(IdConflict) as raised:
            ledger.start("b", id="key:run-7")
        self.assertEqual((raised.exception.code, raised.exception.exit_code), ("id_conflict", 3))

    def test_found_8_a_duplicate_has_what_it_derived_and_a_conflict_names_what_differs(self) -> None:
        ledger = self.small()
        for phase in ("a", "b", "c"):
            ledger.start(phase)
            ledger.complete(phase, metadata={"rows": 1.5})
        first = ledger.rerun("a", "new data", id="key:mark", occurred_at="10 minutes ago")
        again = ledger.rerun("w/a", "new data", id="key:mark", occurred_at="10 Minutes ago")
        self.assertEqual((again.status, again.derived), ("duplicate", first.derived))
        self.assertEqual([derived.phase for derived in again.derived], ["w/c"])
        with self.assertRaises(IdConflict) as raised:
            ledger.rerun("w/a", "other data", id="key:mark", occurred_at="10 minutes ago")
        fields = [{"field": "reason", "recorded": "new data", "given": "other data"}]
        self.assertEqual(raised.exception.details["fields"], fields)
        self.assertIn('`reason` was "new data", here "other data"', str(raised.exception))

    def test_found_32_a_request_is_granted_by_the_key_that_asked(self) -> None:
        ledger = self.small()
        ledger.approval_request("x", "30", 1, id="key:2025-10-29/ask")
        ledger.approval_grant("key:2025-10-29/ask", "fine", by="eva")
        ledger.note("wrong", id="key:note")
        ledger.revert("key:note", "a slip")
        ledger.approval_request("y", "30", 1, id="key:2025-10-30/ask")
        ledger.approval_reject("key:2025-10-30/ask", "no")
        kinds = [event.kind for event in ledger.log()]
        self.assertEqual([kinds.count(kind) for kind in ("approval_granted", "approval_rejected", "reverted")], [1, 1, 1])

    def test_expectations(self) -> None:
        ledger = self.small()
        with self.assertRaises(Conflict) as raised:
            ledger.start("a", expect=["state=PENDING", "attempt=3"])
        self.assertIn("expected", raised.exception.details)
        ledger.start("a", expect="attempt=0")

    def test_a_call_that_dies_is_repeated_under_its_id(self) -> None:
        self.small()
        # Records, and is killed before it answers; twice.
        dying = self.program(
            'case "$*" in *" start "*) "$REAL" "$@" >/dev/null; echo >>"$HERE/runs";'
            ' [ $(wc -l <"$HERE/runs") -gt 2 ] || kill -9 $$;; esac; exec "$REAL" "$@"'
        )
        ledger = Ledger(self.folder / "ledger", binary=dying)
        self.assertEqual(ledger.start("a").seq, 2)
        self.assertEqual(len((self.folder / "runs").read_text().splitlines()), 3)
        self.assertEqual(len(ledger.log(kind="phase_started")), 1)

    def test_what_always_dies_is_told(self) -> None:
        self.small()
        with self.assertRaises(OutcomeUnknown):
            Ledger(self.folder / "ledger", binary=self.program("kill -9 $$")).start("a")
        with self.assertRaises(OutcomeUnknown):
            Ledger(self.folder / "ledger", binary=self.program("printf '{\"status\":'")).start("a")


class Refused(Scene):
    def test_each_case_has_its_class(self) -> None:
        with self.assertRaises(NoLedger):
            Ledger(self.folder / "nothing").status()
        ledger = self.small()
        with self.assertRaises(UnmetNeeds) as unmet:
            ledger.start("c")
        self.assertEqual(unmet.exception.details["unmet"], ["w/a", "w/b"])
        self.assertEqual(unmet.exception.exit_code, 6)
        self.assertIn("--allow-unmet", unmet.exception.hint or "")
        with self.assertRaises(IllegalTransition) as illegal:
            ledger.complete("a")
        self.assertEqual(illegal.exception.details["from"], "PENDING")
        self.assertIn("cannot complete", illegal.exception.message)
        for error, call in (
            (UnknownPhase, lambda: ledger.start("nope")),
            (NotFound, lambda: ledger.show(99)),
            (UsageError, lambda: ledger.start("a", id="7")),
            (UnknownPhase, lambda: ledger.start("--all")),
            (UsageError, lambda: ledger.as_of("someday").status()),
            (UsageError, lambda: ledger.skip("a", " ")),
            (UsageError, lambda: ledger.define({"workflow": {"name": "w"}, "phases": []})),
            (ValueError, lambda: ledger.meta("a", {"n": float("nan")})),
        ):
            before = ledger.export()
            with self.assertRaises(error):
                call()
            self.assertEqual(ledger.export(), before)

    def test_a_lock_that_is_held(self) -> None:
        self.small()
        held = self.program(
            'echo \'{"error":{"code":"lock_timeout","message":"held","hint":null}}\' >&2; exit 75'
        )
        with self.assertRaises(LockTimeout):
            Ledger(self.folder / "ledger", binary=held, lock_timeout=0.01).start("a")

    def test_damage(self) -> None:
        ledger = self.small()
        for path in (self.folder / "ledger/log").rglob("*"):
            if path.is_file():
                path.write_bytes(b"\xff" * path.stat().st_size)
        with self.assertRaises(LedgerError) as raised:
            ledger.verify()
        self.assertIsInstance(raised.exception, (Damaged,))

    def test_a_program_that_says_something_else(self) -> None:
        odd = Ledger(self.folder, binary=self.program("echo oh >&2; exit 9"))
        with self.assertRaisesRegex(LedgerError, "oh"):
            odd.status()


class Asking(Scene):
    def test_as_of_a_moment(self) -> None:
        ledger = Ledger(self.folder / "ledger")
        ledger.init()
        ledger.define(SMALL, occurred_at=LONG_AGO)
        ledger.start("a", occurred_at=LONG_AGO + timedelta(hours=1))
        ledger.complete("a", occurred_at="2025-10-29T20:00:00Z")
        for when, state in (
            (LONG_AGO, State.PENDING),
            ((LONG_AGO + timedelta(hours=1)).astimezone(timezone(timedelta(hours=5))), State.IN_PROGRESS),
            ("2025-10-29T20:00:00Z", State.COMPLETE),
            (date(2025, 10, 30), State.COMPLETE),
            (2, State.IN_PROGRESS),
            ("head~1", State.IN_PROGRESS),
        ):
            view = ledger.as_of(when)
            self.assertEqual(view.status()["a"].state, state, when)
            self.assertEqual(ledger.status("a", at=when)["a"].state, state, when)
        self.assertEqual(
            ledger.as_of("2025-10-29T20:00:00Z", before=True).status()["a"].state, State.IN_PROGRESS
        )
        self.assertEqual(ledger.as_of("2025-10-30", known=True).status().phases, ())
        self.assertEqual(ledger.as_of("2025-10-30", known=True).status().as_of.seq, 0)
        self.assertEqual(ledger.why("a", at=2).state, State.IN_PROGRESS)
        self.assertEqual([event.seq for event in ledger.as_of(2).log()], [1, 2])
        self.assertEqual(ledger.as_of(3).export(), ledger.export())
        with self.assertRaises(AttributeError):
            ledger.as_of(2).start  # type: ignore[attr-defined]
        with self.assertRaises(ValueError):
            ledger.as_of(2, before=True, known=True)
        with self.assertRaises(ValueError):
            ledger.as_of(2, known=True, known_at=3)

    def test_what_was_recorded_late(self) -> None:
        ledger = Ledger(self.folder / "ledger")
        ledger.init()
        ledger.define(SMALL, occurred_at=LONG_AGO)
        ledger.start("a", occurred_at=LONG_AGO + timedelta(hours=1))
        ledger.complete("a", occurred_at=LONG_AGO + timedelta(hours=3))
        ledger.note("seen late", occurred_at=LONG_AGO + timedelta(hours=2))
        then = LONG_AGO + timedelta(hours=2)
        moment = ledger.as_of(then).status().as_of
        self.assertEqual((moment.seq, moment.late, moment.late_more), (2, (4,), 0))
        known = ledger.as_of(then, known_at=3).status().as_of
        self.assertEqual((known.seq, known.late), (2, ()))
        before = ledger.as_of(then, before=True, known_at="head").status().as_of
        self.assertEqual((before.seq, before.late), (2, ()))

    def test_the_other_questions(self) -> None:
        ledger = self.small()
        ledger.start("a")
        self.assertEqual([phase.phase for phase in ledger.next().ready], ["b"])
        self.assertEqual([phase.phase for phase in ledger.next().running], ["a"])
        ledger.start("b")
        self.assertEqual(ledger.next().ready, ())
        self.assertEqual([phase.phase for phase in ledger.status(state="PENDING").phases], ["c"])
        self.assertEqual([event.phase for event in ledger.log("#1..", phase=["a", "b"], last=1)], ["b"])
        shown = ledger.show("a")
        self.assertEqual((shown.attempts[0].attempt, shown.attempts[0].outcome), (1, "running"))
        self.assertEqual(ledger.verify().events, 3)
        self.assertTrue(ledger.verify().root.startswith("sha256:"))
        self.assertIn("phase", ledger.report())
        ledger.export(self.folder / "export.jsonl")
        self.assertEqual((self.folder / "export.jsonl").read_bytes(), ledger.export())

    def test_what_a_newer_program_adds_does_no_harm(self) -> None:
        ledger = self.small()
        newer = self.program('"$REAL" "$@" | sed \'s/{"workflow"/{"mood":"good","workflow"/g\'')
        status = Ledger(ledger.path, binary=newer).status()
        self.assertEqual(status["a"].raw["mood"], "good")


class Finding(Scene):
    def test_the_program_that_is_named_is_taken(self) -> None:
        named = self.program("exit 0")
        self.assertEqual(find_binary(named), named)
        with mock.patch.dict(os.environ, PHASELEDGER_BIN=named):
            self.assertEqual(find_binary(), named)
        with mock.patch.dict(os.environ, PHASELEDGER_BIN=str(self.folder / "nothing")):
            with self.assertRaises(BinaryNotFound):
                find_binary()

    def test_the_path_comes_last(self) -> None:
        beside, on_path = self.folder / "scripts", self.folder / "path"
        for folder in (beside, on_path):
            folder.mkdir()
            (folder / "phaseledger").write_text("#!/bin/sh\n")
            (folder / "phaseledger").chmod(0o755)
        environment = {"PATH": str(on_path)}
        with mock.patch.dict(os.environ, environment, clear=True):
            with mock.patch("phaseledger._binary._folders", lambda: iter([str(beside)])):
                self.assertEqual(find_binary(), str(beside / "phaseledger"))
                (beside / "phaseledger").unlink()
                self.assertEqual(find_binary(), str(on_path / "phaseledger"))
                (on_path / "phaseledger").unlink()
                with self.assertRaises(BinaryNotFound):
                    find_binary()

    def test_the_module_is_the_program(self) -> None:
        said = subprocess.run(
            [sys.executable, "-m", "phaseledger", "--version"],
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertTrue(said.stdout.startswith(b"phaseledger "), said.stdout)

    def test_a_ledger_is_found_from_within(self) -> None:
        self.small()
        (self.folder / "deep/er").mkdir(parents=True)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder / "deep/er")
        self.assertEqual(len(Ledger().status().phases), 3)


if __name__ == "__main__":
    unittest.main()
