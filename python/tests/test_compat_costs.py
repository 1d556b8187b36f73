"""`phaseledger.compat.CostSafetyManager`: what scripts for a cost manager on a JSON file rely on."""

import json
import logging
import math
import unittest
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from support import Scene

from phaseledger import Ledger
from phaseledger.compat import ApprovalStatus, CostSafetyManager

LOGGER = "phaseledger.compat"
PHASE = "phase_2_analysis"


class Managed(Scene):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "costs.json"
        self.manager = self.open()

    def open(self, **limits: float) -> CostSafetyManager:
        manager = CostSafetyManager(self.file, custom_limits=limits or None)
        self.addCleanup(manager.close)
        return manager


class Costs(Managed):
    def test_the_limits_are_those_of_the_project(self) -> None:
        ledger = Ledger(self.folder / "shipped")
        ledger.init(example=True)
        ledger.define()
        shipped = {one.name: one.limit for one in ledger.cost_summary().phases["nba-mcp-synthesis"]}
        kept = {
            name: Decimal(str(limit))
            for name, limit in self.manager.limits.items()
            if name != "total_workflow"
        }
        self.assertEqual(kept, shipped)
        self.assertEqual(self.manager.limits["total_workflow"], 125.0)
        mine = Ledger(self.manager.ledger_dir).cost_summary()
        self.assertEqual({one.name: one.limit for one in mine.phases["nba-mcp-synthesis"]}, shipped)
        self.assertEqual(mine.workflows[0].limit, Decimal(125))

    def test_what_was_spent(self) -> None:
        self.manager.record_cost(
            PHASE, 8.25, model="m", operation="o", metadata={"books": 25, "at": Path("x")}
        )
        self.manager.record_cost(PHASE, 7, model="n")
        self.manager.record_cost("phase_3_synthesis", 5.5, model="m")
        record = self.manager.records[0]
        self.assertEqual(
            (record.phase_id, record.amount, record.model, record.operation), (PHASE, 8.25, "m", "o")
        )
        self.assertEqual(record.metadata, {"books": 25, "at": "x"})
        self.assertLess(abs((datetime.now() - datetime.fromisoformat(record.timestamp)).total_seconds()), 60)
        self.assertEqual(self.manager.get_phase_cost(PHASE), 15.25)
        self.assertEqual(self.manager.get_total_cost(), 20.75)
        self.assertEqual((self.manager.get_model_cost("m"), self.manager.get_model_cost("x")), (13.75, 0.0))
        self.assertEqual(self.manager.get_cost_by_phase(), {PHASE: 15.25, "phase_3_synthesis": 5.5})
        self.assertEqual(self.manager.get_cost_by_model(), {"m": 13.75, "n": 7.0})
        self.assertEqual(self.manager.get_remaining_budget(), 104.25)
        self.assertEqual(self.manager.estimate_remaining_budget(PHASE), 14.75)
        self.assertEqual(self.manager.estimate_items_possible(PHASE, 0.59), 25)
        self.assertEqual(self.manager.estimate_items_possible(PHASE, 0), 0)
        self.assertEqual(self.manager.project_total_cost({"a": 100, "b": 4.25}), (125.0, True))
        self.assertEqual(self.manager.project_total_cost({"a": 100, "b": 4.26}), (125.01, False))
        summary = self.manager.get_cost_summary()
        self.assertEqual(
            (summary["total_cost"], summary["total_limit"], summary["remaining_budget"]),
            (20.75, 125.0, 104.25),
        )
        self.assertEqual(
            (summary["percent_used"], summary["record_count"], summary["approval_count"]), (16.6, 3, 0)
        )
        for value in (
            self.manager.get_phase_cost("x"),
            self.manager.get_remaining_budget(),
            summary["total_cost"],
        ):
            self.assertIsInstance(value, float)

    def test_ten_times_a_tenth_is_one(self) -> None:
        for _ in range(10):
            self.manager.record_cost(PHASE, 0.1)
        self.assertEqual(self.manager.get_phase_cost(PHASE), 1.0)
        self.assertEqual(Ledger(self.manager.ledger_dir).cost_summary().workflows[0].spent, Decimal("1.0"))
        self.assertTrue(self.manager.check_cost_limit(PHASE, 29.0))
        self.assertFalse(self.manager.check_cost_limit(PHASE, 29.000000001))

    def test_a_limit_says_no(self) -> None:
        self.manager.record_cost(PHASE, 20.0)
        self.assertTrue(self.manager.check_cost_limit(PHASE, 10.0))
        with self.assertLogs(LOGGER, logging.ERROR):
            self.assertFalse(self.manager.check_cost_limit(PHASE, 10.01))
        self.assertFalse(self.manager.check_cost_limit("phase_0_foundation", 0.01))
        self.assertFalse(self.open(phase_3_synthesis=1000.0).check_cost_limit("phase_3_synthesis", 105.01))
        self.assertFalse(self.manager.check_cost_limit(PHASE, float("nan")))

    def test_warnings_from_80_percent_on(self) -> None:
        with self.no_warnings():
            self.manager.record_cost(PHASE, 23.99)
        with self.assertLogs(LOGGER, logging.WARNING):
            self.manager.record_cost(PHASE, 0.01)
        with self.assertLogs(LOGGER, logging.WARNING):
            self.manager.record_cost(PHASE, 80.0)
        self.assertEqual(self.manager.get_phase_cost(PHASE), 104.0)
        kinds = [event.kind for event in Ledger(self.manager.ledger_dir).log()]
        self.assertIn("cost_limit_exceeded", kinds)

    def test_what_cannot_be_recorded_warns_and_changes_nothing(self) -> None:
        self.manager.record_cost(PHASE, 1.0)
        before = Ledger(self.manager.ledger_dir).export()
        for phase, amount in (("nope", 1.0), (PHASE, float("nan")), (PHASE, float("inf")), (PHASE, 1e20)):
            with self.assertLogs(LOGGER, logging.WARNING):
                self.manager.record_cost(phase, amount)
        self.assertEqual(Ledger(self.manager.ledger_dir).export(), before)
        self.assertEqual(len(self.manager.records), 1)
        with self.assertLogs(LOGGER, logging.WARNING):
            self.assertTrue(self.manager.check_cost_limit("nope", 1.0))
        self.assertEqual(self.manager.estimate_remaining_budget("nope"), math.inf)
        self.manager.record_cost(PHASE, -0.25)
        self.assertEqual(self.manager.get_total_cost(), 0.75)

    def test_limits_of_ones_own(self) -> None:
        manager = self.open(phase_2_analysis=50.0, mine=2.5, total_workflow=200.0)
        manager.record_cost("mine", 0.5)
        self.assertEqual((manager.limits[PHASE], manager.get_remaining_budget()), (50.0, 199.5))
        self.assertEqual(manager.estimate_remaining_budget("mine"), 2.0)
        manager.limits["mine"] = 3.5
        manager.record_cost("mine", 0.5)
        limits = {
            one.name: one.limit for one in Ledger(manager.ledger_dir).cost_summary().phases[manager.WORKFLOW]
        }
        self.assertEqual((limits["mine"], limits[PHASE]), (Decimal("3.5"), Decimal(50)))
        # Without those limits, what was spent is still there.
        self.assertEqual(self.open().get_phase_cost("mine"), 1.0)

    def test_another_manager_sees_it(self) -> None:
        other = self.open()
        self.manager.record_cost(PHASE, 20.0, metadata={"a": [1]})
        self.assertFalse(other.check_cost_limit(PHASE, 15.0))
        other.record_cost(PHASE, 1.0)
        self.assertEqual(other.records[0], self.manager.records[0])
        self.assertEqual([record.amount for record in self.open().records], [20.0, 1.0])


class Approvals(Managed):
    def test_each_way_to_be_decided(self) -> None:
        for operation, cost, items, threshold, approved, status in (
            ("anything", 3.0, 100, 5.0, True, ApprovalStatus.AUTO_APPROVED),
            ("mass_code_changes", 4.99, 1, 5.0, True, ApprovalStatus.AUTO_APPROVED),
            ("anything", 60.0, 1, 70.0, True, ApprovalStatus.AUTO_APPROVED),
            ("anything", 5.0, 10, 5.0, True, ApprovalStatus.SKIPPED),
            ("anything", 20.0, 10, 5.0, True, ApprovalStatus.SKIPPED),
            ("mass_code_changes", 5.0, 1, 5.0, True, ApprovalStatus.APPROVED),
            ("anything", 20.01, 1, 5.0, True, ApprovalStatus.APPROVED),
            ("anything", 6.0, 11, 5.0, True, ApprovalStatus.APPROVED),
            ("anything", 50.0, 20, 5.0, True, ApprovalStatus.APPROVED),
            ("anything", 50.01, 20, 5.0, False, ApprovalStatus.REJECTED),
            ("anything", 50.0, 21, 5.0, False, ApprovalStatus.REJECTED),
        ):
            given = (operation, cost, items, "an impact", threshold)
            self.assertIs(self.manager.require_approval(*given), approved, given)
            request = self.manager.approval_requests[-1]
            self.assertEqual((request.status, request.operation), (status, operation), given)
            self.assertEqual((request.estimated_cost, request.affected_items), (cost, items))
            self.assertEqual(request.impact_description, "an impact")
            self.assertIsNotNone(request.responded_at)
            self.assertIsNotNone(request.response_message)
        self.assertEqual(self.open().approval_requests, self.manager.approval_requests)

    def test_the_defaults(self) -> None:
        self.assertTrue(self.manager.require_approval("anything", 4.99, 1))
        self.assertEqual(self.manager.approval_requests[0].impact_description, "")
        self.assertEqual(ApprovalStatus.AUTO_APPROVED, "AUTO_APPROVED")

    def test_what_is_no_request_is_not_approved(self) -> None:
        for operation, cost, items in (("", 1.0, 1), ("x", float("nan"), 1), ("x", 1.0, -1)):
            with self.assertLogs(LOGGER, logging.WARNING):
                self.assertFalse(self.manager.require_approval(operation, cost, items))
        self.assertEqual(self.manager.approval_requests, [])


class Keeping(Managed):
    def test_the_report(self) -> None:
        self.manager.record_cost(PHASE, 25.0, model="m", operation="o")
        self.manager.record_cost("phase_0_foundation", 1.0)
        self.manager.require_approval("mass_code_changes", 25.0, 3, "3 files")
        path = self.folder / "report.md"
        report = self.manager.generate_report(path)
        self.assertEqual(path.read_text(encoding="utf-8"), report)
        for line in (
            "# Cost Safety Report",
            "- **Total Cost:** $26.00",
            "- **Percent Used:** 20.8%",
            "🟢 **STATUS:** Budget excellent",
            "## Cost by Phase",
            "### ⚠️ phase_2_analysis",
            "### 🔴 phase_0_foundation",
            "## Cost by Model",
            "- **m:** $25.00 (96.2%)",
            "### ✅ APPROVED (1)",
            "## Recent Transactions (Last 10)",
        ):
            self.assertIn(line, report.splitlines())

    def test_an_older_file_is_taken_over_once(self) -> None:
        file = self.folder / "old.json"
        text = json.dumps(
            {
                "records": [
                    {
                        "phase_id": PHASE,
                        "amount": 4.87,
                        "timestamp": "2025-10-29T10:00:00",
                        "model": "m",
                        "operation": None,
                        "metadata": {"n": 1},
                    },
                    {
                        "phase_id": "extra",
                        "amount": 0.1,
                        "timestamp": "2025-10-29T10:01:00.250000",
                        "model": None,
                    },
                ],
                "approvals": [
                    {
                        "operation": f"op_{status}",
                        "estimated_cost": 30.0,
                        "impact_description": "x",
                        "affected_items": 2,
                        "status": status,
                        "requested_at": "2025-10-29T10:02:00",
                        "responded_at": "2025-10-29T10:02:00",
                        "response_message": "so",
                    }
                    for status in ("APPROVED", "AUTO_APPROVED", "REJECTED", "SKIPPED", "PENDING")
                ],
            }
        )
        file.write_text(text)
        manager = CostSafetyManager(file)
        self.addCleanup(manager.close)
        self.assertEqual(
            [(one.phase_id, one.amount, one.timestamp) for one in manager.records],
            [(PHASE, 4.87, "2025-10-29T10:00:00"), ("extra", 0.1, "2025-10-29T10:01:00.250000")],
        )
        self.assertEqual(manager.records[0].metadata, {"n": 1})
        self.assertEqual(
            [f"op_{one.status.value}" for one in manager.approval_requests],
            [one.operation for one in manager.approval_requests],
        )
        self.assertEqual((self.folder / "old.json.before-ledger").read_text(), text)
        before = Ledger(manager.ledger_dir).export()
        self.assertEqual(CostSafetyManager(file).records, manager.records)
        file.write_text(text)
        with self.assertLogs(LOGGER, logging.WARNING):
            again = CostSafetyManager(file)
        self.assertEqual((again.records, Ledger(manager.ledger_dir).export()), (manager.records, before))


if __name__ == "__main__":
    unittest.main()
