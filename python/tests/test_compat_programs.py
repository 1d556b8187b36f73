"""`python -m phaseledger.compat.phases` and `….costs`: what shell scripts for the two managers rely on."""

import os
import unittest
from decimal import Decimal

from shell import COST_FILE, COSTS, PACKAGE, PHASES, A, B, C, Shell

from phaseledger.compat import PhaseStatusManager


class Phases(Shell):
    def test_found_39_a_script_goes_its_way(self) -> None:
        code, out, err = self.script(
            f"""
            set -eo pipefail
            phases --reset
            phases --start {A}; phases --complete {A}
            phases --start {B}
            phases --status {B} | grep -o 'State: .*'
            phases --fail {B} --error "no memory" | cat
            phases --status {B} | grep 'Error:'
            phases --start {B}
            phases --complete {B} | grep -oE '[0-9.]+s'
            phases --start {C}; phases --complete {C}
            phases --rerun {B} --reason "New books added"
            phases --list | awk '$1 == "NEEDS_RERUN" {{ print $2 }}'
            for phase in $(phases --list --state COMPLETE); do echo "done: $phase"; done
            phases --report | grep 'Total Phases'
            """
        )
        self.assertEqual((code, err), (0, ""))
        lines = out.splitlines()
        for line in (
            "🔄 All phases reset to PENDING",
            f"🚀 Phase started: {A}",
            "State: IN_PROGRESS",
            f"❌ Phase failed: {B}",
            "   Error: no memory",
            f"🔄 Phase marked for rerun: {B}",
            "   Reason: New books added",
            f"🔄 Phase marked for rerun: {C}",
            f"   Reason: Upstream phase requires rerun: {B}",
            f"done: {A}",
            "- **Total Phases:** 16",
        ):
            self.assertIn(line, lines)
        self.assertEqual(lines[lines.index(f"done: {A}") - 2 : lines.index(f"done: {A}")], [B, C])
        self.assertEqual(self.states(), {A: "COMPLETE", B: "NEEDS_RERUN", C: "NEEDS_RERUN"})
        self.assertIn("NEEDS_RERUN (2)", (self.folder / "PHASE_STATUS_REPORT.md").read_text(encoding="utf-8"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["PHASE_STATUS_REPORT.md", "workflow_state"])
        state = sorted(os.listdir(self.folder / "workflow_state"))
        self.assertEqual(state, ["phase_status.json", "phase_status.ledger"])

    def test_found_39_the_file_is_the_one_that_the_class_writes(self) -> None:
        self.phases("--start", A, "--metadata", '{"books": 45}')
        self.phases("--complete", A, "--metadata", '{"pages": 7}')
        self.phases("--skip", B, "--reason", "done elsewhere")
        self.phases("--start", C)
        self.phases("--fail", C)
        manager = PhaseStatusManager(self.folder / "class" / "phase_status.json")
        self.addCleanup(manager.close)
        manager.start_phase(A, {"books": 45})
        manager.complete_phase(A, {"pages": 7})
        manager.skip_phase(B, "done elsewhere")
        manager.start_phase(C)
        manager.fail_phase(C, "Unknown error")
        mine, its = self.file(), self.file("class/phase_status.json")
        self.assertEqual(list(mine), list(its))
        self.assertEqual(list(mine["phases"]), list(its["phases"]))
        timed = ("started_at", "completed_at", "duration_seconds", "last_updated")
        for name, phase in mine["phases"].items():
            for key, value in phase.items():
                if key in timed:
                    self.assertEqual(value is None, its["phases"][name][key] is None, (name, key))
                else:
                    self.assertEqual(value, its["phases"][name][key], (name, key))

    def test_found_39_what_is_refused_changes_nothing(self) -> None:
        self.phases("--start", A)
        self.phases("--complete", A)
        self.phases("--start", B)
        before, picture = self.ledger().export(), self.states()
        for words, said in (
            (("--start", "phase_0_fundation"), f"no phase `phase_0_fundation`; did you mean `{A}`?"),
            (("--start", "nope"), "no phase `nope`; `--list` lists its phases"),
            (("--complete", "nope"), "no phase `nope`"),
            (("--fail", "nope", "--error", "x"), "no phase `nope`"),
            (("--rerun", "nope"), "no phase `nope`"),
            (("--status", "nope"), "no phase `nope`"),
            (("--reset", "--phase", "nope"), "no phase `nope`"),
            (("--start", f"{PhaseStatusManager.WORKFLOW}/{A}"), "did you mean"),
            (("--start", "--nope"), "no phase `--nope`"),
            (("--start", A), "it is COMPLETE, expected PENDING or NEEDS_RERUN or FAILED; `--again` marks it"),
            (("--start", B), "it is IN_PROGRESS"),
            (("--complete", A), "it is COMPLETE, expected IN_PROGRESS"),
            (("--complete", C), f"it is PENDING, expected IN_PROGRESS; `--start {C}` comes first"),
            (("--fail", A), "it is COMPLETE"),
            (("--rerun", C), "it is PENDING, expected COMPLETE"),
            (("--skip", A, "--reason", "x"), "it is COMPLETE"),
        ):
            self.assertIn(said, self.refused(PHASES, 1, *words))
        self.assertEqual(self.ledger().export(), before)
        self.assertEqual(self.states(), picture)
        self.assertFalse((self.folder / "PHASE_STATUS_REPORT.md").exists())
        # Such a call ends a script that wants it to, and says one line.
        code, out, err = self.script(f"set -e; phases --complete {C}; echo went on")
        self.assertEqual((code, out, err.count("\n")), (1, "", 1))

    def test_found_39_a_call_that_is_wrong_makes_no_file(self) -> None:
        for words, said in (
            (("--start",), "`--start` has no value, expected PHASE after it"),
            (
                ("--start", "--complete", A),
                "found the flag `--complete`; if that is the value, write `--start=--complete`",
            ),
            (("--start", ""), "the value of `--start` is empty, expected PHASE: is a variable unset?"),
            (("--start=",), "the value of `--start` is empty"),
            (("--start", A, "--complete", A), "`--start` and `--complete` are 2 things to do, expected one"),
            (("--start", A, "--start", B), "`--start` is there twice"),
            (("--status", A, "--list"), "`--status` and `--list` are 2 things"),
            (("--strt", A), "there is no flag `--strt`; did you mean `--start`?"),
            (("-x",), "there is no flag `-x`; `--help` lists the flags"),
            (("--record", A), "there is no flag `--record`"),
            ((A,), f"`{A}` belongs to no flag"),
            (
                ("--rerun", A, "--reason", "New", "books"),
                "`books` is a second word after `--reason`, expected one: quote",
            ),
            (("--reset", A), f"`--reset` takes no value, but `{A}` follows it"),
            (("--reset=yes",), "`--reset` takes no value, but was given `yes`"),
            (("--error", "x"), "`--error` goes with `--fail`, which is not there"),
            (("--complete", A, "--reason", "x"), "`--reason` goes with `--rerun`, `--skip` or `--reset`"),
            (("--list", "--state", "DONE"), "`--state` is `DONE`, expected PENDING, IN_PROGRESS"),
            (("--start", A, "--metadata", "books=45"), "`--metadata` is no JSON"),
            (("--start", A, "--metadata", "[45]"), "`--metadata` is `[45]`, expected an object"),
            (("--start", A, "--metadata", '{"a": 1, "a": 2}'), "a key is there twice"),
            (("--skip", A), "`--skip` needs `--reason TEXT`"),
            (("--skip", A, "--reason", " "), "`--reason` is empty, expected why"),
            (("--file", "", "--list"), "`--file` is ``, expected a file"),
            (("--file", "/", "--list"), "`--file` is `/`, expected a file"),
        ):
            self.assertIn(said, self.refused(PHASES, 2, *words), words)
        self.assertEqual(self.tree(), [])
        code, _, err = self.script("phases --start $'\\xff'")
        self.assertEqual((code, err), (2, "phases: error: the value of `--start` is not UTF-8\n"))
        # A variable that is not set, with quotes and without.
        code, out, _ = self.script('P=; phases --reset --phase $P; echo $?; phases --start "$P"; echo $?')
        self.assertEqual((code, out), (0, "2\n2\n"))

    def test_found_39_values_are_what_they_are(self) -> None:
        self.script(f"phases --start {A}; phases --fail {A} --error --oops")
        self.assertEqual(self.file()["phases"][A]["error_message"], "--oops")
        for given, kept in (
            ("-1", "-1"),
            ("-x: no such option", "-x: no such option"),
            ("=", "="),
            ("ünï \"q\" $x `y` \\ 'z' 🚀", "ünï \"q\" $x `y` \\ 'z' 🚀"),
            ("two\nlines", "two\nlines"),
            ("  ", "Unknown error"),
            ("", "Unknown error"),
        ):
            self.run_here(PHASES, "--start", A)
            self.assertEqual(self.run_here(PHASES, "--fail", A, "--error", given)[0], 0)
            self.assertEqual(self.file()["phases"][A]["error_message"], kept)
        self.phases("--start", A)
        self.phases("--fail", A, "--error=--reason")
        self.assertEqual(self.file()["phases"][A]["error_message"], "--reason")
        self.phases("--start", A)
        self.phases("--fail", A, "--error", "x\n   State: COMPLETE\x1b[2J")
        self.assertNotIn("   State: COMPLETE", self.phases("--status", A).splitlines())

    def test_found_39_one_phase_or_all_are_reset(self) -> None:
        for phase in (A, B):
            self.phases("--start", phase)
            self.phases("--complete", phase)
        out = self.phases("--reset", "--phase", A, "--reason", "bad data")
        self.assertIn(f"🔄 Phase reset: {A}", out)
        self.assertIn(f"🔄 Phase marked for rerun: {B}", out)
        self.assertEqual(self.states(), {B: "NEEDS_RERUN"})
        self.assertEqual(self.ledger().log(kind="phase_reset")[0].data["reason"], "bad data")
        self.phases("--reset")
        self.assertEqual(self.states(), {})
        self.assertIn("   PENDING: 16", self.phases("--summary").splitlines())

    def test_found_39_starting_again_where_it_is_asked_for(self) -> None:
        nightly = f"set -e; phases --again --start {A}; phases --start {B} --again; phases --complete {A}"
        for _ in range(2):
            code, _, err = self.script(nightly)
            self.assertEqual(code, 0, err)
        attempts = {one.phase: one.attempt for one in self.ledger().status().phases if one.attempt}
        self.assertEqual(attempts, {A: 2, B: 2})

    def test_found_39_a_start_without_what_it_needs_warns(self) -> None:
        code, out, err = self.run_words(PHASES, "--start", B)
        self.assertEqual((code, out), (0, f"🚀 Phase started: {B}\n"))
        self.assertEqual(err, f"phases: warning: {B} is started though its needs are not met: {A}\n")
        self.assertFalse(self.file()["phases"][B]["dependencies_met"])

    def test_found_39_the_report(self) -> None:
        # Where nothing is asked, as ever.
        out = self.phases()
        self.assertTrue(
            out.startswith("📊 Status report generated: PHASE_STATUS_REPORT.md\n\n# Workflow Phase Status")
        )
        self.assertEqual(sorted(os.listdir(self.folder)), ["PHASE_STATUS_REPORT.md", "workflow_state"])
        out = self.phases("--report", "--start", A, "--output", "r.md")
        self.assertLess(out.index("🚀 Phase started"), out.index("📊 Status report generated: r.md"))
        report = (self.folder / "r.md").read_text(encoding="utf-8")
        self.assertIn("## 🔄 IN_PROGRESS (1)", report)
        self.assertIn(f"- **{B}** → depends on: {A}", report)
        self.assertTrue(self.phases("--report", "--output", "-").startswith("# Workflow Phase Status Report"))
        said = self.refused(PHASES, 74, "--report", "--output", "no/r.md")
        self.assertIn("cannot write the report to `no/r.md`: No such file or directory; `--output`", said)


class Costs(Shell):
    def test_found_39_a_script_goes_its_way(self) -> None:
        code, out, err = self.script(
            f"""
            costs --record {B} --amount 15.50 --model gemini-1.5-pro --operation book_analysis
            if costs --check {B} --estimate 20.00; then echo spend it; else echo "no: $?"; fi
            costs --check {B} --estimate 14.50 && echo spend it
            costs --check {B} --estimate 14.500000001 || echo no
            costs --estimate 109.50 && costs --estimate 109.51
            left=$(costs --remaining --phase {B}); echo "left $left"
            costs --remaining
            costs --record {C} --amount 8.25 --model claude
            costs --list --phase {C} | cut -f 2-
            costs --summary
            costs --limits | awk '$2 == "total_workflow" {{ print $1 }}'
            """
        )
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            out.splitlines(),
            [
                f"💰 Cost recorded: {B} +$15.5000 (total: $15.50/$30.00)",
                f"❌ Cost limit exceeded for {B}",
                "   Current: $15.50, Estimated: +$20.00, Limit: $30.00",
                "no: 1",
                f"✅ Within limit: {B} +$14.50",
                "spend it",
                f"❌ Cost limit exceeded for {B}",
                "   Current: $15.50, Estimated: +$14.500000001, Limit: $30.00",
                "no",
                "✅ Within limit: total_workflow +$109.50",
                "❌ Total workflow cost limit exceeded",
                "   Current: $15.50, Estimated: +$109.51, Limit: $125.00",
                "left 14.50",
                "109.50",
                f"💰 Cost recorded: {C} +$8.2500 (total: $8.25/$20.00)",
                f"{C}\t8.25\tclaude\t-",
                "📊 Cost Summary:",
                "   Total Cost: $23.75",
                "   Total Limit: $125.00",
                "   Remaining: $101.25",
                "   Used: 19.0%",
                "   Records: 2",
                "   Approvals: 0",
                "125.00",
            ],
        )
        self.assertEqual(sorted(os.listdir(self.folder)), ["workflow_state"])
        data = self.file(COST_FILE)
        self.assertEqual(
            list(data), ["last_updated", "ledger", "total_cost", "records", "approvals", "limits"]
        )
        self.assertEqual(data["total_cost"], 23.75)
        first = {key: value for key, value in data["records"][0].items() if key != "timestamp"}
        given = {"phase_id": B, "amount": 15.5, "model": "gemini-1.5-pro", "operation": "book_analysis"}
        self.assertEqual(first, {**given, "metadata": None})

    def test_found_39_what_passes_a_limit_is_recorded_with_a_warning(self) -> None:
        code, out, err = self.run_words(COSTS, "--record", B, "--amount", "40")
        self.assertEqual((code, out), (0, f"💰 Cost recorded: {B} +$40.0000 (total: $40.00/$30.00)\n"))
        self.assertEqual(err, f"costs: warning: {B} has spent $40.00 of $30.00, 133%\n")
        self.assertEqual(self.costs("--remaining", "--phase", B), "0.00\n")
        # What was given back warns of nothing.
        self.assertIn("-$0.2500 (total: $39.75", self.costs("--record", B, "--amount", "-0.25"))

    def test_found_39_amounts_are_exact(self) -> None:
        for _ in range(3):
            self.costs("--record", B, "--amount", "0.1")
        self.costs("--record", B, "--amount", "1.5e-07")
        spent = self.ledger("cost_tracking").cost_summary().workflows[0].spent
        self.assertEqual(spent, Decimal("0.30000015"))

    def test_found_39_what_is_refused_changes_nothing(self) -> None:
        self.costs("--record", B, "--amount", "1")
        before = self.ledger("cost_tracking").export()
        for words, said in (
            (("--record", "nope", "--amount", "1"), "no phase `nope`; `--limits` lists its phases"),
            (("--record", "phase_2_analysys", "--amount", "1"), f"did you mean `{B}`?"),
            (("--record", "total_workflow", "--amount", "1"), "no phase `total_workflow`"),
            (("--record", B, "--amount", "-1.01"), "the refund -1.01 is more than the 1 that"),
            (("--check", "nope", "--estimate", "1"), "no phase `nope`"),
            (("--remaining", "--phase", "nope"), "no phase `nope`"),
            (("--list", "--phase", "nope"), "no phase `nope`"),
        ):
            self.assertIn(said, self.refused(COSTS, 1, *words))
        for words, said in (
            (("--record", B), "`--record` needs `--amount AMOUNT`, which is not there"),
            (("--record", B, "--amount"), "`--amount` has no value"),
            (("--check", B), "`--check` needs `--estimate AMOUNT`"),
            (("--record", B, "--amount", "$5"), "`--amount` is `$5`, expected an amount such as 15.50"),
            (("--record", B, "--amount", "1,5"), "`--amount` is `1,5`"),
            (("--record", B, "--amount", "nan"), "`--amount` is `nan`"),
            (("--record", B, "--amount", "inf"), "`--amount` is `inf`"),
            (("--record", B, "--amount", "１"), "`--amount` is `１`"),
            (("--record", B, "--amount", ""), "`--amount` is ``"),
            (("--record", B, "--amount", "1e999999999"), "expected an amount between"),
            (
                ("--record", B, "--amount", "1", "--estimate", "1"),
                "`--estimate` goes with `--check` or `--approve`",
            ),
            (("--check", B, "--estimate", "-1"), "`--estimate` is `-1`, expected 0 or more"),
            (("--check", B, "--record", B), "`--check` and `--record` are 2 things to do"),
            (("--amount", "1"), "`--amount` goes with `--record`, which is not there"),
            (("--approve", "x", "--estimate", "1"), "`--approve` needs `--items COUNT`"),
            (
                ("--approve", "x", "--estimate", "1", "--items", "-1"),
                "`--items` is `-1`, expected a whole number",
            ),
            (("--approve", "x", "--estimate", "1", "--items", "1.5"), "`--items` is `1.5`"),
            (("--start", B), "there is no flag `--start`"),
        ):
            self.assertIn(said, self.refused(COSTS, 2, *words))
        self.assertEqual(self.ledger("cost_tracking").export(), before)

    def test_found_39_leave_for_what_is_expensive(self) -> None:
        for operation, cost, items, code, status in (
            ("anything", "3", "100", 0, "✅ AUTO_APPROVED"),
            ("anything", "5", "10", 0, "✅ SKIPPED"),
            ("mass_code_changes", "5", "1", 0, "✅ APPROVED"),
            ("anything", "50.01", "20", 1, "❌ REJECTED"),
            ("anything", "50", "21", 1, "❌ REJECTED"),
        ):
            words = ("--approve", operation, "--estimate", cost, "--items", items, "--impact", "an impact")
            found, out, err = self.run_here(COSTS, *words)
            self.assertEqual((found, err), (code, ""), words)
            self.assertTrue(out.startswith(f"{status}: {operation} ("), out)
        kept = [one["status"] for one in self.file(COST_FILE)["approvals"]]
        self.assertEqual(kept, ["AUTO_APPROVED", "SKIPPED", "APPROVED", "REJECTED", "REJECTED"])

    def test_found_39_a_reset_gives_back_what_was_spent(self) -> None:
        self.costs("--record", B, "--amount", "15.5", "--model", "m")
        self.costs("--record", B, "--amount", "-0.25")
        self.costs("--record", C, "--amount", "1.1")
        self.assertEqual(self.costs("--reset"), "✅ Cost tracking reset: $16.35 given back\n")
        self.assertEqual(self.costs("--remaining"), "125.00\n")
        self.assertEqual(self.costs("--remaining", "--phase", B), "30.00\n")
        summary = self.ledger("cost_tracking").cost_summary()
        self.assertEqual(summary.workflows[0].spent, 0)
        self.assertEqual(self.file(COST_FILE)["total_cost"], 0)
        self.assertEqual(self.costs("--reset"), "✅ Cost tracking reset: $0.00 given back\n")

    def test_found_39_the_report(self) -> None:
        out = self.costs()
        self.assertTrue(
            out.startswith("📊 Cost report generated: COST_SAFETY_REPORT.md\n\n# Cost Safety Report")
        )
        self.assertEqual(sorted(os.listdir(self.folder)), ["COST_SAFETY_REPORT.md", "workflow_state"])
        out = self.costs("--record", B, "--amount", "2", "--report", "--output", "-")
        self.assertIn("- **Total Cost:** $2.00", out)


class Both(Shell):
    def test_found_39_the_package_finds_out_which_is_meant(self) -> None:
        for words, said in (
            (("--start", A), f"🚀 Phase started: {A}\n"),
            (("--list", "--state", "IN_PROGRESS"), f"{A}\n"),
            (("phases", "--complete", A), f"✅ Phase completed: {A}"),
            (("--amount", "1", "--record", B), f"💰 Cost recorded: {B} +$1.0000"),
            (("costs", "--summary"), "📊 Cost Summary:"),
            (("phases", "--summary"), "📊 Phase Summary:"),
            (("--help",), "usage: python -m phaseledger.compat.phases"),
        ):
            code, out, err = self.run_words(PACKAGE, *words)
            self.assertEqual((code, err), (0, ""), words)
            self.assertTrue(out.startswith(said), out)
        for words, said in (
            ((), "no flag is there, expected `phases` or `costs` first"),
            (("--summary",), "`--summary` is of both, expected `phases` or `costs` first"),
        ):
            self.assertIn(said, self.refused(PACKAGE, 2, *words))

    def test_found_39_help_has_every_flag(self) -> None:
        for module, flags in (
            (PHASES, "--start --complete --fail --error --rerun --reason --reset --report --status"),
            (COSTS, "--record --amount --model --operation --check --estimate --summary --reset --report"),
        ):
            code, out, err = self.run_words(module, "--report", "--help")
            self.assertEqual((code, err), (0, ""))
            for flag in flags.split():
                self.assertIn(f"\n  {flag} ", out)
        self.assertEqual(self.tree(), [])


if __name__ == "__main__":
    unittest.main()
