"""The programs beside the classes, the command line, one another, and what goes wrong."""

import fcntl
import json
import os
import signal
import unittest

from shell import COST_FILE, COSTS, PHASE_FILE, PHASES, A, B, C, Shell

from phaseledger import State
from phaseledger.compat import CostSafetyManager, PhaseState, PhaseStatusManager


class OneTruth(Shell):
    def test_found_39_the_program_the_class_and_the_command_line(self) -> None:
        self.phases("--start", A, "--metadata", '{"by": "program"}')
        manager = PhaseStatusManager(self.folder / PHASE_FILE)
        self.addCleanup(manager.close)
        self.assertEqual(manager.phases[A].state, PhaseState.IN_PROGRESS)
        manager.complete_phase(A, {"ended": "class"})
        self.assertIn("State: COMPLETE", self.phases("--status", A))
        self.cli("start", B)
        self.assertIn(f"IN_PROGRESS  {B}\n", self.phases("--list"))
        # The question has drawn the file anew.
        self.assertEqual(self.states(), {A: "COMPLETE", B: "IN_PROGRESS"})
        self.phases("--complete", B)
        manager.mark_needs_rerun(A, "new books")
        self.assertEqual(self.phases("--list", "--state", "NEEDS_RERUN"), f"{A}\n{B}\n")
        self.cli("note", f"--phase={A}", "seen")
        self.phases("--start", A)
        manager.skip_phase(C, "not today")
        self.assertEqual(manager.phases[A].state, PhaseState.IN_PROGRESS)
        self.assertEqual(self.ledger().status()[A].state, State.IN_PROGRESS)
        self.assertEqual(self.file()["phases"][A]["metadata"], {"by": "program", "ended": "class"})
        self.assertEqual([root.reason for root in self.ledger().why(B).roots], ["new books"])
        self.assertEqual(len(self.ledger().log(kind="workflow_defined")), 1)
        self.ledger().verify()

    def test_found_39_costs_of_all_three(self) -> None:
        self.costs("--record", B, "--amount", "1.1")
        manager = CostSafetyManager(self.folder / COST_FILE)
        self.addCleanup(manager.close)
        manager.record_cost(B, 2.2)
        self.cli("cost", "record", B, "3.3", ledger="cost_tracking")
        self.assertEqual(self.costs("--remaining", "--phase", B), "23.40\n")
        self.assertTrue(manager.check_cost_limit(B, 23.4))
        self.assertFalse(manager.check_cost_limit(B, 23.41))
        self.assertEqual(self.file(COST_FILE)["total_cost"], 6.6)
        self.assertEqual(len(self.ledger("cost_tracking").log(kind="workflow_defined")), 1)

    def test_found_39_the_phases_of_a_subclass_stay(self) -> None:
        class Mine(PhaseStatusManager):
            WORKFLOW = "mine"
            ALL_PHASES = ("fetch", "load it", "report")
            DEPENDENCIES = {"load it": ["fetch"], "report": ["load it"]}

        manager = Mine(self.folder / PHASE_FILE)
        self.addCleanup(manager.close)
        manager.start_phase("fetch")
        self.phases("--complete", "fetch")
        self.phases("--start", "load it")
        self.phases("--complete", "load it")
        out = self.phases("--rerun", "fetch", "--reason", "x")
        self.assertIn("🔄 Phase marked for rerun: load it", out)
        self.assertEqual(list(self.file()["phases"]), ["fetch", "load it", "report"])
        self.assertIn("- **report** → depends on: load it", self.phases("--report", "--output", "-"))
        self.assertEqual(len(self.ledger().log(kind="workflow_defined")), 1)
        again = Mine(self.folder / PHASE_FILE)
        self.addCleanup(again.close)
        self.assertEqual(again.phases["load it"].state, PhaseState.NEEDS_RERUN)
        self.assertEqual(len(self.ledger().log(kind="workflow_defined")), 1)

    def test_found_39_limits_of_a_script_and_of_the_ledger_stay(self) -> None:
        limits = {B: 40.0, "mine": 2.5, "total_workflow": 200.0}
        manager = CostSafetyManager(self.folder / COST_FILE, custom_limits=limits)
        self.addCleanup(manager.close)
        self.assertEqual(self.costs("--remaining", "--phase", "mine"), "2.50\n")
        self.costs("--record", "mine", "--amount", "0.5")
        self.assertEqual(self.costs("--remaining", "--phase", B), "40.00\n")
        self.assertEqual(self.costs("--remaining"), "199.50\n")
        self.cli("cost", "limit", "mine", "1.00", ledger="cost_tracking")
        self.assertEqual(self.costs("--remaining", "--phase", "mine"), "0.50\n")
        code, _, _ = self.run_words(COSTS, "--check", "mine", "--estimate", "0.51")
        self.assertEqual(code, 1)
        self.assertEqual(len(self.ledger("cost_tracking").log(kind="workflow_defined")), 1)

    def test_found_39_a_workflow_that_was_defined_by_hand(self) -> None:
        ledger = self.ledger()
        ledger.init()
        files = {"version": "2", "outputs": ["out/*"]}
        ledger.define(
            {"workflow": {"name": "w"}, "phase": [{"id": "a"}, {"id": "b", "needs": ["a"], **files}]}
        )
        self.phases("--start", "a")
        self.phases("--complete", "a")
        self.phases("--start", "b")
        self.assertEqual(self.phases("--list"), "COMPLETE     a\nIN_PROGRESS  b\n")
        self.assertEqual(len(ledger.log(kind="workflow_defined")), 1)
        ledger.define({"workflow": {"name": "v"}, "phase": [{"id": "c"}]})
        said = self.refused(PHASES, 2, "--list")
        self.assertIn("has the workflows v, w, expected one", said)

    def test_found_39_an_older_file_is_taken_over(self) -> None:
        text = json.dumps(
            {
                "last_updated": "2025-10-29T18:27:08.381234",
                "phases": {
                    A: {
                        "phase_id": A,
                        "state": "COMPLETE",
                        "started_at": "2025-10-29T18:26:36.557220",
                        "completed_at": "2025-10-29T18:26:42.049324",
                        "metadata": {"n": 1},
                    }
                },
            }
        )
        (self.folder / "workflow_state").mkdir()
        (self.folder / PHASE_FILE).write_text(text)
        code, out, err = self.run_words(PHASES, "--status", A)
        self.assertEqual(code, 0)
        self.assertIn("   Started: 2025-10-29T18:26:36.557220\n", out)
        self.assertIn("   Duration: 5.5s\n", out)
        kept = f"{PHASE_FILE}.before-ledger"
        self.assertEqual(
            err, f"phases: note: took over 1 phases from {PHASE_FILE}, which is kept as {kept}\n"
        )
        self.assertEqual((self.folder / kept).read_text(), text)
        self.phases("--status", A)

    def test_found_39_many_at_once_leave_the_newest_file(self) -> None:
        names = list(PhaseStatusManager.ALL_PHASES)[:6]
        code, _, err = self.script(
            f"""
            for phase in {" ".join(names)}; do phases --start $phase & done
            for n in 1 2 3; do
                costs --record {B} --amount 0.1 &
                costs --approve x --estimate 6 --items $n &
            done
            wait
            """
        )
        self.assertEqual(code, 0)
        self.assertNotIn("error", err)
        self.assertEqual(self.states(), dict.fromkeys(names, "IN_PROGRESS"))
        met = {name: self.file()["phases"][name]["dependencies_met"] for name in names}
        self.assertEqual(met, {name: name not in PhaseStatusManager.DEPENDENCIES for name in names})
        costs = self.file(COST_FILE)
        self.assertEqual((costs["total_cost"], len(costs["approvals"])), (0.3, 3))
        self.assertEqual(
            [path for path in self.tree() if "/." in path and not path.endswith(".gitignore")], []
        )

    def test_found_39_a_ledger_that_another_process_is_making(self) -> None:
        folder = "$HERE/workflow_state/phase_status.ledger"
        making = f'case "$*" in *init*) mkdir -p "{folder}/log"; touch "$HERE/there"; sleep 2;; esac'
        with self.slow(making, "--start", A) as child:
            self.assertIn(f"🚀 Phase started: {B}", self.run_words(PHASES, "--start", B)[1])
        self.assertEqual(child.returncode, 0)
        self.assertEqual(self.states(), {A: "IN_PROGRESS", B: "IN_PROGRESS"})
        self.assertEqual(len(self.ledger().log(kind="workflow_defined")), 1)

    def test_found_39_an_older_picture_is_not_put_over_a_newer_one(self) -> None:
        self.phases("--start", A)
        asking = """
            case "$*" in
                *append*) touch "$HERE/recorded";;
                *status*) if [ -e "$HERE/recorded" ]; then
                    answer=$("$REAL" "$@"); touch "$HERE/there"; sleep 2; echo "$answer"; exit
                fi;;
            esac"""
        with self.slow(asking, "--complete", A) as child:
            self.run_words(PHASES, "--start", B)
        self.assertEqual(child.returncode, 0)
        self.assertEqual(self.states(), {A: "COMPLETE", B: "IN_PROGRESS"})


class Trouble(Shell):
    def test_found_39_a_file_that_is_another_ones_is_left_alone(self) -> None:
        for name, text, said in (
            ("package.json", '{"name": "x"}', "is no object with `phases`"),
            ("broken.json", '{"phases": {"phase_0', "is no JSON (Unterminated string"),
            ("list.json", "[]", "is no object with `phases`"),
            ("deep.json", "[" * 100_000, "is no JSON (maximum recursion depth"),
            ("latin.json", b"\xff\xfe{", "is no JSON"),
            ("notes.md", "# Notes", "is no JSON"),
            ("wrong.json", '{"phases": 3}', "is no object with `phases`"),
        ):
            path = self.folder / name
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            before, tree = path.read_bytes(), self.tree()
            found = self.refused(PHASES, 1, "--file", name, "--list")
            self.assertIn(f"`{name}` {said}", found)
            self.assertIn(f"begin anew after `mv {name} {name}.aside`", found)
            self.assertEqual((path.read_bytes(), self.tree()), (before, tree))
        (self.folder / "folder").mkdir()
        self.assertIn("`folder` is a folder, expected a file", self.refused(PHASES, 1, "--file", "folder"))
        self.assertIn("is a device or a pipe", self.refused(PHASES, 1, "--file", "/dev/null"))
        os.mkfifo(self.folder / "pipe")
        self.assertIn("is a device or a pipe", self.refused(COSTS, 1, "--file", "pipe"))
        (self.folder / "link.json").symlink_to("nowhere.json")
        self.assertIn("a link to `nowhere.json`", self.refused(PHASES, 1, "--file", "link.json"))

    def test_found_39_a_file_of_the_other_program(self) -> None:
        self.phases("--start", A)
        self.costs("--record", B, "--amount", "1")
        before = {name: (self.folder / name).read_bytes() for name in (PHASE_FILE, COST_FILE)}
        said = self.refused(PHASES, 1, "--file", COST_FILE, "--list")
        self.assertIn(
            f"`{COST_FILE}` is a file of `python -m phaseledger.compat.costs`, expected one with `phases`",
            said,
        )
        said = self.refused(COSTS, 1, "--file", PHASE_FILE, "--summary")
        self.assertIn("is a file of `python -m phaseledger.compat.phases`, expected one with `records`", said)
        self.assertEqual({name: (self.folder / name).read_bytes() for name in before}, before)
        for name in ("phase_status", "cost_tracking"):
            self.assertEqual(len(self.ledger(name).log(kind="workflow_defined")), 1)

    def test_found_39_a_broken_picture_beside_its_ledger_is_drawn_anew(self) -> None:
        self.phases("--start", A)
        (self.folder / PHASE_FILE).write_text('{"phases": {"trunc')
        code, _, err = self.run_words(PHASES, "--complete", A)
        self.assertEqual(code, 0)
        self.assertIn(f"phases: warning: {PHASE_FILE} is not a status file; it is kept as", err)
        self.assertEqual(self.states(), {A: "COMPLETE"})

    def test_found_39_a_ledger_that_another_process_holds(self) -> None:
        self.phases("--start", A)
        before = self.ledger().export()
        impatient = self.program('exec "$REAL" --lock-timeout=50ms "$@"')
        lock = self.folder / "workflow_state" / "phase_status.ledger" / "log" / "lock"
        with open(lock, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            said = self.refused(PHASES, 75, "--complete", A, PHASELEDGER_BIN=impatient)
        self.assertIn("another process has held the ledger", said)
        self.assertIn("try again once the other one is done", said)
        self.assertEqual(self.ledger().export(), before)

    def test_found_39_a_damaged_ledger_and_no_program(self) -> None:
        self.costs("--record", B, "--amount", "1")
        head = self.folder / "workflow_state" / "cost_tracking.ledger" / "log" / "head"
        head.write_bytes(b"garbage")
        self.assertIn("the ledger is damaged", self.refused(COSTS, 5, "--summary"))
        said = self.refused(COSTS, 74, "--summary", PHASELEDGER_BIN="/nowhere/phaseledger")
        self.assertIn("PHASELEDGER_BIN names `/nowhere/phaseledger`, which is no program", said)

    def test_found_39_a_file_that_cannot_be_written_is_told(self) -> None:
        self.phases("--start", A)
        # As the command is recorded, somebody puts a folder where the file is.
        swap = 'case "$*" in *append*) rm "$HERE/{0}" && mkdir "$HERE/{0}";; esac'.format(PHASE_FILE)
        program = self.program(f'{swap}\nexec "$REAL" "$@"')
        code, out, err = self.run_words(PHASES, "--complete", A, PHASELEDGER_BIN=program)
        self.assertEqual(code, 74)
        self.assertIn(f"✅ Phase completed: {A}", out)
        self.assertIn(f"phases: error: cannot write {PHASE_FILE}", err)
        self.assertIn("the ledger has it all the same", err)
        self.assertEqual(self.ledger().status()[A].state, State.COMPLETE)

    def test_found_39_a_folder_that_cannot_be_made(self) -> None:
        (self.folder / "workflow_state").write_text("a file")
        said = self.refused(PHASES, 74, "--start", A)
        self.assertIn("workflow_state`: ", said)
        self.assertEqual((self.folder / "workflow_state").read_text(), "a file")

    def test_found_39_who_reads_the_answer(self) -> None:
        # A reader that ends early, one that never was, a full disk, and a terminal without these characters.
        code, out, err = self.script(f"set -o pipefail; phases --start {A} | true; phases --list | head -n 1")
        self.assertEqual((code, out, err), (0, f"IN_PROGRESS  {A}\n", ""))
        self.assertEqual(self.script(f"phases --complete {A} >&-"), (0, "", ""))
        self.assertEqual(self.script("phases --bogus 2>&-"), (2, "", ""))
        self.assertEqual(self.states(), {A: "COMPLETE"})
        if os.path.exists("/dev/full"):
            code, _, err = self.script("phases --list >/dev/full")
            self.assertEqual(code, 74)
            self.assertIn("phases: error: cannot write the answer: No space left on device", err)
        ascii_only = {
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONIOENCODING": "ascii",
        }
        code, out, err = self.script(f"phases --start {B}; phases --fail {B} --error ünï", **ascii_only)
        self.assertEqual((code, out), (0, f"? Phase started: {B}\n? Phase failed: {B}\n   Error: ?n?\n"))
        self.assertEqual(self.file()["phases"][B]["error_message"], "ünï")

    def test_found_39_an_interrupt(self) -> None:
        self.phases("--start", A)
        with self.slow('case "$*" in *status*) touch "$HERE/there"; exec sleep 60;; esac', "--list") as child:
            # From a keyboard it comes to all of them.
            os.killpg(child.pid, signal.SIGINT)
            _, err = child.communicate()
        self.assertEqual(child.returncode, 130)
        self.assertTrue(err.decode().startswith("phases: error: interrupted; `--status`"), err)


if __name__ == "__main__":
    unittest.main()
