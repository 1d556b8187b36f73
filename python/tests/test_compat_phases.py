"""`phaseledger.compat.PhaseStatusManager`: what scripts for a status manager on a JSON file rely on."""

import json
import logging
import multiprocessing
import os
import subprocess
import unittest
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Dict

from support import Scene

from phaseledger import Ledger, find_binary
from phaseledger.compat import PhaseState, PhaseStatus, PhaseStatusManager

LOGGER = "phaseledger.compat"


class Managed(Scene):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "state" / "phase_status.json"
        self.manager = self.open()

    def open(self) -> PhaseStatusManager:
        manager = PhaseStatusManager(self.file)
        self.addCleanup(manager.close)
        return manager

    def run_phase(self, *phases: str) -> None:
        for phase in phases:
            self.manager.start_phase(phase)
            self.manager.complete_phase(phase)

    def states(self) -> Dict[str, str]:
        return {name: status.state.value for name, status in self.manager.phases.items() if status.started_at}


class Names(Managed):
    def test_the_phases_are_those_of_the_project(self) -> None:
        ledger = Ledger(self.folder / "shipped")
        ledger.init(example=True)
        ledger.define()
        shipped = {phase.phase: ledger.show(phase.phase).spec["needs"] for phase in ledger.status().phases}
        self.assertEqual(list(self.manager.phases), list(shipped))
        for name, needs in shipped.items():
            found = [
                f"{PhaseStatusManager.WORKFLOW}/{need}" for need in self.manager.DEPENDENCIES.get(name, ())
            ]
            self.assertEqual(found, needs)
        self.assertEqual(len(shipped), 16)

    def test_a_state_is_a_text(self) -> None:
        self.assertEqual(PhaseState.NEEDS_RERUN, "NEEDS_RERUN")
        self.assertEqual(PhaseState("COMPLETE"), PhaseState.COMPLETE)
        self.assertEqual(
            [state.value for state in PhaseState],
            ["PENDING", "IN_PROGRESS", "COMPLETE", "FAILED", "NEEDS_RERUN"],
        )

    def test_a_new_manager_has_all_of_them_pending(self) -> None:
        for name, status in self.manager.phases.items():
            self.assertIsInstance(status, PhaseStatus)
            self.assertEqual((status.phase_id, status.state), (name, PhaseState.PENDING))
            self.assertEqual((status.started_at, status.completed_at, status.metadata), (None, None, None))
            self.assertTrue(status.dependencies_met)

    def test_the_default_file(self) -> None:
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        manager = PhaseStatusManager()
        self.addCleanup(manager.close)
        self.assertEqual(str(manager.status_file), "workflow_state/phase_status.json")
        self.assertTrue((self.folder / "workflow_state/phase_status.ledger/log").is_dir())
        manager.start_phase("phase_0_foundation")
        manager.generate_report()
        self.assertTrue((self.folder / "PHASE_STATUS_REPORT.md").exists())


class Working(Managed):
    def test_a_phase_goes_its_way(self) -> None:
        held = self.manager.phases["phase_0_foundation"]
        before = datetime.now()
        self.manager.start_phase("phase_0_foundation", {"books": 45, "path": Path("x"), "nan": float("nan")})
        self.assertEqual(held.state, PhaseState.IN_PROGRESS)
        assert held.started_at is not None
        self.assertLess(abs(datetime.fromisoformat(held.started_at) - before), timedelta(seconds=30))
        self.assertIsNone(held.completed_at)
        self.manager.complete_phase("phase_0_foundation", metadata={"pages": 7})
        self.assertIs(self.manager.get_status("phase_0_foundation"), held)
        self.assertEqual(held.state, PhaseState.COMPLETE)
        self.assertEqual(held.metadata, {"books": 45, "path": "x", "nan": "nan", "pages": 7})
        assert held.completed_at is not None and held.duration_seconds is not None
        self.assertGreaterEqual(held.completed_at, held.started_at)

    def test_a_failure(self) -> None:
        self.manager.start_phase("phase_0_foundation", {"a": 1})
        self.manager.fail_phase("phase_0_foundation", "no memory", {"b": 2})
        status = self.manager.phases["phase_0_foundation"]
        self.assertEqual((status.state, status.error_message), (PhaseState.FAILED, "no memory"))
        self.assertEqual(status.metadata, {"a": 1, "b": 2})
        self.manager.start_phase("phase_0_foundation")
        self.assertEqual((status.error_message, status.completed_at), (None, None))
        self.assertEqual(status.metadata, {"a": 1, "b": 2})
        self.manager.fail_phase("phase_0_foundation", "")
        self.assertEqual(status.state, PhaseState.FAILED)
        self.manager.start_phase("phase_0_foundation")
        self.manager.fail_phase("phase_0_foundation", "é" * 100_000)
        self.assertEqual(status.state, PhaseState.FAILED)

    def test_a_skip_satisfies_those_who_need_it(self) -> None:
        self.manager.skip_phase("phase_0_foundation", "done elsewhere", {"by": "eva"})
        status = self.manager.phases["phase_0_foundation"]
        self.assertEqual((status.state, status.skip_reason), (PhaseState.PENDING, "done elsewhere"))
        self.assertEqual(status.metadata, {"skipped": True, "by": "eva"})
        self.manager.start_phase("phase_2_analysis")
        self.assertTrue(self.manager.phases["phase_2_analysis"].dependencies_met)
        self.manager.start_phase("phase_0_foundation")
        self.assertEqual(status.metadata, {"by": "eva"})

    def test_a_rerun_reaches_what_was_built_on_it(self) -> None:
        self.run_phase(
            "phase_0_foundation", "phase_2_analysis", "phase_3_synthesis", "phase_3.5_modifications"
        )
        self.manager.mark_needs_rerun("phase_2_analysis", "New books added")
        self.assertEqual(
            {
                name: status.rerun_reason
                for name, status in self.manager.phases.items()
                if status.rerun_reason
            },
            {
                "phase_2_analysis": "New books added",
                "phase_3_synthesis": "Upstream phase requires rerun: phase_2_analysis",
                "phase_3.5_modifications": "Upstream phase requires rerun: phase_3_synthesis",
            },
        )
        why = Ledger(self.manager.ledger_dir).why("phase_3.5_modifications")
        self.assertEqual([root.reason for root in why.roots], ["New books added"])

    def test_unmet_needs_warn_and_do_not_refuse(self) -> None:
        with self.assertLogs(LOGGER, logging.WARNING) as logs:
            self.manager.start_phase("phase_2_analysis")
        self.assertIn("phase_0_foundation", logs.output[0])
        status = self.manager.phases["phase_2_analysis"]
        self.assertEqual((status.state, status.dependencies_met), (PhaseState.IN_PROGRESS, False))
        self.assertFalse(self.open().phases["phase_2_analysis"].dependencies_met)

    def test_what_cannot_be_done_warns_and_changes_nothing(self) -> None:
        self.run_phase("phase_0_foundation")
        self.manager.start_phase("phase_1_data_inventory")
        before, picture = self.states(), self.file.read_bytes()
        log = Ledger(self.manager.ledger_dir).export()
        for call in (
            lambda: self.manager.start_phase("nope"),
            lambda: self.manager.complete_phase("nope"),
            lambda: self.manager.fail_phase("nope", "x"),
            lambda: self.manager.skip_phase("nope", "x"),
            lambda: self.manager.mark_needs_rerun("nope", "x"),
            lambda: self.manager.reset_phase("nope"),
            lambda: self.manager.start_phase("phase_0_foundation"),
            lambda: self.manager.start_phase("phase_1_data_inventory"),
            lambda: self.manager.complete_phase("phase_2_analysis"),
            lambda: self.manager.fail_phase("phase_0_foundation", "x"),
            lambda: self.manager.skip_phase("phase_0_foundation", "x"),
            lambda: self.manager.mark_needs_rerun("phase_2_analysis", "x"),
        ):
            with self.assertLogs(LOGGER, logging.WARNING) as logs:
                self.assertIsNone(call())  # type: ignore[func-returns-value]
            self.assertTrue(logs.output[0].startswith(f"WARNING:{LOGGER}._phases:cannot "), logs.output)
        self.assertEqual(self.states(), before)
        self.assertEqual(self.file.read_bytes(), picture)
        self.assertEqual(Ledger(self.manager.ledger_dir).export(), log)
        self.assertIsNone(self.manager.get_status("nope"))
        # And what can be done still can.
        self.manager.complete_phase("phase_1_data_inventory")
        self.assertEqual(self.manager.phases["phase_1_data_inventory"].state, PhaseState.COMPLETE)

    def test_starting_again_where_a_subclass_asks_for_it(self) -> None:
        class Nightly(PhaseStatusManager):
            START_AGAIN = True

        manager = Nightly(self.file)
        self.addCleanup(manager.close)
        for _ in range(2):
            manager.start_phase("phase_0_foundation")
            manager.complete_phase("phase_0_foundation")
        manager.start_phase("phase_1_data_inventory")
        manager.start_phase("phase_1_data_inventory")
        attempts = {
            one.phase: one.attempt for one in Ledger(manager.ledger_dir).status().phases if one.attempt
        }
        self.assertEqual(attempts, {"phase_0_foundation": 2, "phase_1_data_inventory": 2})

    def test_resetting(self) -> None:
        self.run_phase("phase_0_foundation", "phase_1_data_inventory")
        self.manager.reset_phase("phase_0_foundation")
        status = self.manager.phases["phase_0_foundation"]
        self.assertEqual(
            (status.state, status.started_at, status.completed_at), (PhaseState.PENDING, None, None)
        )
        self.assertEqual(self.manager.phases["phase_1_data_inventory"].state, PhaseState.NEEDS_RERUN)
        self.manager.reset_all_phases()
        self.assertEqual(self.manager.get_phase_summary()["PENDING"], 16)

    def test_counting_and_listing(self) -> None:
        self.run_phase("phase_0_foundation", "phase_2_analysis")
        self.manager.start_phase("phase_1_data_inventory")
        summary = {"PENDING": 13, "IN_PROGRESS": 1, "COMPLETE": 2, "FAILED": 0, "NEEDS_RERUN": 0}
        self.assertEqual(self.manager.get_phase_summary(), summary)
        complete = ["phase_0_foundation", "phase_2_analysis"]
        self.assertEqual(self.manager.get_phases_by_state(PhaseState.COMPLETE), complete)
        copy = self.manager.get_all_status()
        copy.clear()
        self.assertEqual(len(self.manager.phases), 16)

    def test_the_report(self) -> None:
        self.run_phase("phase_0_foundation")
        self.manager.start_phase("phase_6_validation", {"files": 3})
        path = self.folder / "report.md"
        report = self.manager.generate_report(path)
        self.assertEqual(path.read_text(encoding="utf-8"), report)
        for line in (
            "# Workflow Phase Status Report",
            "- **Total Phases:** 16",
            "- **Needs Rerun:** 0",
            "**Progress:** [█░░░░░░░░░░░░░░░░░░░] 6.2%",
            "## ✅ COMPLETE (1)",
            "## ⏳ PENDING (14)",
            "- **Unmet Dependencies:** phase_4_file_generation",
            "  - `files`: 3",
            "## Phase Dependencies",
            "- **phase_2_analysis** → depends on: phase_0_foundation",
        ):
            self.assertIn(line, report.splitlines())
        with self.assertLogs(LOGGER, logging.ERROR):
            self.manager.generate_report(self.folder / "no/such/folder.md")
        # What is no file stays what it is.
        reading, writing = os.pipe()
        self.manager.generate_report(f"/dev/fd/{writing}")
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            self.assertIn("# Workflow Phase Status Report", pipe.read())
        (self.folder / "link.md").symlink_to(path)
        self.manager.generate_report(self.folder / "link.md")
        self.assertTrue((self.folder / "link.md").is_symlink())
        self.assertEqual(list(self.folder.glob(".*")), [])


class Keeping(Managed):
    def test_the_ledger_is_beside_the_file(self) -> None:
        self.manager.start_phase("phase_0_foundation")
        folder = self.folder / "state" / "phase_status.ledger"
        self.assertEqual(self.manager.ledger_dir, folder)
        done = subprocess.run(
            [find_binary(), "--dir", str(folder), "--json", "status", "phase_0_foundation"],
            stdout=subprocess.PIPE,
        )
        self.assertEqual(json.loads(done.stdout)["phases"][0]["state"], "IN_PROGRESS")

    def test_the_file_is_a_picture(self) -> None:
        self.run_phase("phase_0_foundation")
        data = json.loads(self.file.read_text())
        self.assertEqual(data["phases"]["phase_0_foundation"]["state"], "COMPLETE")
        self.assertEqual(data["phases"]["phase_1_data_inventory"]["phase_id"], "phase_1_data_inventory")
        self.assertEqual(self.file.stat().st_mode & 0o044, 0o666 & ~_umask() & 0o044)
        self.file.unlink()
        again = self.open()
        self.assertEqual(again.phases, self.manager.phases)
        self.assertTrue(self.file.exists())

    def test_another_manager_sees_it(self) -> None:
        self.run_phase("phase_0_foundation")
        self.manager.start_phase("phase_2_analysis", {"n": 1})
        again = self.open()
        self.assertEqual(again.phases, self.manager.phases)
        again.complete_phase("phase_2_analysis")
        self.manager.start_phase("phase_1_data_inventory")
        self.assertEqual(self.manager.phases["phase_2_analysis"].state, PhaseState.COMPLETE)
        self.assertEqual(len(Ledger(self.manager.ledger_dir).log(kind="workflow_defined")), 1)

    def test_a_forked_process_has_a_child_of_its_own(self) -> None:
        self.manager.start_phase("phase_0_foundation")
        context = multiprocessing.get_context("fork")
        process = context.Process(target=self.manager.complete_phase, args=("phase_0_foundation",))
        process.start()
        process.join()
        self.assertEqual(process.exitcode, 0)
        self.manager.start_phase("phase_2_analysis")
        self.assertEqual(self.manager.phases["phase_0_foundation"].state, PhaseState.COMPLETE)

    def test_a_subclass_has_its_own_phases(self) -> None:
        class Mine(PhaseStatusManager):
            WORKFLOW = "mine"
            ALL_PHASES = ["fetch", 'load "it"', "répörte"]
            DEPENDENCIES = {'load "it"': ["fetch"]}

        manager = Mine(self.folder / "mine.json")
        self.addCleanup(manager.close)
        manager.start_phase('load "it"')
        self.assertEqual(list(manager.phases), Mine.ALL_PHASES)
        self.assertFalse(manager.phases['load "it"'].dependencies_met)
        # The workflow file in the ledger's folder says the same.
        self.assertEqual(Ledger(manager.ledger_dir).define().status, "unchanged")


class TakingOver(Scene):
    def old(self, **phases: Dict[str, Any]) -> PhaseStatusManager:
        self.file = self.folder / "phase_status.json"
        names = {
            "a": "phase_0_foundation",
            "b": "phase_2_analysis",
            "c": "phase_3_synthesis",
            "d": "phase_5_predictions",
        }
        named = {
            names.get(key, key): {"phase_id": names.get(key, key), **value} for key, value in phases.items()
        }
        self.text = json.dumps({"last_updated": "2025-10-29T12:00:00", "phases": named})
        self.file.write_text(self.text)
        manager = PhaseStatusManager(self.file)
        self.addCleanup(manager.close)
        return manager

    def test_states_become_events_once(self) -> None:
        manager = self.old(
            a={
                "state": "COMPLETE",
                "started_at": "2025-10-29T10:00:00",
                "completed_at": "2025-10-29T10:05:00.500000",
                "metadata": {"n": 1},
            },
            b={
                "state": "NEEDS_RERUN",
                "started_at": "2025-10-29T10:06:00",
                "completed_at": "2025-10-29T10:07:00",
                "rerun_reason": "New books",
            },
            c={
                "state": "NEEDS_RERUN",
                "started_at": "2025-10-29T10:08:00",
                "completed_at": "2025-10-29T10:09:00",
                "rerun_reason": "Upstream phase requires rerun: phase_2_analysis",
            },
            d={
                "state": "FAILED",
                "started_at": "2025-10-29T10:02:00",
                "completed_at": "2025-10-29T10:03:00",
                "error_message": "no",
            },
            phase_1_data_inventory={
                "state": "PENDING",
                "skip_reason": "elsewhere",
                "metadata": {"skipped": True},
            },
            phase_12_deployment={
                "state": "IN_PROGRESS",
                "started_at": "2025-10-29T11:00:00",
                "metadata": {"m": 2},
            },
            extra={"state": "COMPLETE", "started_at": None, "completed_at": "nonsense"},
        )
        status = {name: one for name, one in manager.phases.items() if one.started_at or one.skip_reason}
        self.assertEqual(
            {name: one.state.value for name, one in status.items()},
            {
                "phase_0_foundation": "COMPLETE",
                "phase_1_data_inventory": "PENDING",
                "phase_2_analysis": "NEEDS_RERUN",
                "phase_3_synthesis": "NEEDS_RERUN",
                "phase_5_predictions": "FAILED",
                "phase_12_deployment": "IN_PROGRESS",
                "extra": "COMPLETE",
            },
        )
        a = status["phase_0_foundation"]
        self.assertEqual(
            (a.started_at, a.completed_at, a.duration_seconds),
            ("2025-10-29T10:00:00", "2025-10-29T10:05:00.500000", 300.5),
        )
        self.assertEqual(a.metadata, {"n": 1})
        self.assertEqual(status["phase_2_analysis"].rerun_reason, "New books")
        self.assertEqual(status["phase_5_predictions"].error_message, "no")
        self.assertEqual(status["phase_12_deployment"].metadata, {"m": 2})
        self.assertEqual((self.folder / "phase_status.json.before-ledger").read_text(), self.text)
        # A phase that another one needs ended before that one started, so nothing is marked that was not.
        ledger = Ledger(manager.ledger_dir)
        self.assertEqual([root.reason for root in ledger.why("phase_3_synthesis").roots], ["New books"])
        before = ledger.export()
        again = PhaseStatusManager(self.file)
        self.assertEqual(again.phases, manager.phases)
        # Not even when another program writes the file again.
        self.file.write_text(self.text)
        with self.assertLogs(LOGGER, logging.WARNING):
            PhaseStatusManager(self.file)
        self.assertEqual(ledger.export(), before)

    def test_one_that_was_cut_short_is_finished(self) -> None:
        phases = {
            "a": {
                "state": "COMPLETE",
                "started_at": "2025-10-29T10:00:00",
                "completed_at": "2025-10-29T10:05:00",
            },
            "b": {
                "state": "COMPLETE",
                "started_at": "2025-10-29T10:01:00",
                "completed_at": "2025-10-29T10:03:00",
            },
        }
        manager = self.old(**phases)
        ledger = Ledger(manager.ledger_dir)
        lines = ledger.export().splitlines(keepends=True)
        for cut in (1, 2, 4):
            folder = self.folder / f"cut-{cut}"
            folder.mkdir()
            (folder / "phase_status.json").write_text(self.text)
            half = Ledger(folder / "phase_status.ledger")
            half.init()
            ledger.as_of(cut).export(folder / "half.jsonl")
            subprocess.run(
                [find_binary(), "--dir", str(half.path), "import", str(folder / "half.jsonl")],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            with self.no_warnings():
                again = PhaseStatusManager(folder / "phase_status.json")
            self.addCleanup(again.close)
            kinds = [event.kind for event in half.log()]
            self.assertEqual(kinds.count("phase_started"), 2)
            self.assertEqual(kinds.count("phase_completed"), 2)
            self.assertEqual(
                again.get_phases_by_state(PhaseState.COMPLETE), ["phase_0_foundation", "phase_2_analysis"]
            )
        self.assertGreater(len(lines), 5)

    def test_a_picture_without_its_ledger_is_taken_over(self) -> None:
        manager = self.old(a={"state": "COMPLETE", "started_at": "2025-10-29T10:00:00", "metadata": {"n": 1}})
        manager.start_phase("phase_2_analysis")
        picture = self.file.read_bytes()
        elsewhere = self.folder / "clone"
        elsewhere.mkdir()
        (elsewhere / "phase_status.json").write_bytes(picture)
        clone = PhaseStatusManager(elsewhere / "phase_status.json")
        self.addCleanup(clone.close)
        for name, status in manager.phases.items():
            self.assertEqual(
                (clone.phases[name].state, clone.phases[name].metadata), (status.state, status.metadata)
            )
        self.assertEqual(
            clone.phases["phase_2_analysis"].started_at, manager.phases["phase_2_analysis"].started_at
        )

    def test_a_file_that_is_none_is_kept(self) -> None:
        file = self.folder / "phase_status.json"
        file.write_text("{not json")
        with self.assertLogs(LOGGER, logging.WARNING):
            manager = PhaseStatusManager(file)
        self.addCleanup(manager.close)
        self.assertEqual(len(manager.phases), 16)
        self.assertEqual((self.folder / "phase_status.json.before-ledger").read_text(), "{not json")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    unittest.main()
