"""Costs and approvals through `Ledger`."""

import unittest
from decimal import Decimal

from support import Scene

from phaseledger import (
    DoesNotFit,
    Ledger,
    Rejected,
    State,
    UnknownApproval,
    UnknownPhase,
    UnknownReservation,
    UsageError,
)
from phaseledger._commands import amount_of

PAID = {
    "workflow": {"name": "w", "currency": "USD", "cost_limit": "10.00"},
    "phase": [{"id": "a", "cost_limit": "1.00"}, {"id": "b"}],
}


class Paid(Scene):
    def setUp(self) -> None:
        super().setUp()
        self.ledger = Ledger(self.folder / "ledger")
        self.ledger.init()
        self.ledger.define(PAID)


class Costs(Paid):
    def test_ten_times_a_tenth_is_one(self) -> None:
        self.ledger.start("a")
        with self.ledger.stream() as stream:
            replies = [
                stream.cost_record("a", 0.1, model="m", operation="o", metadata={"n": n}) for n in range(10)
            ]
        kinds = [one.kind for reply in replies for one in reply.result().derived]
        self.assertEqual(kinds, ["cost_warning_raised"])
        check = self.ledger.cost_check("a", Decimal("0.000000001"))
        self.assertEqual(
            (check.fits, check.limits[0].spent, check.limits[0].over),
            (False, Decimal("1.0"), Decimal("1e-9")),
        )
        self.assertTrue(self.ledger.cost_check("a", 0).fits)
        answer = self.ledger.cost_record("a", "0.01")
        self.assertEqual([one.kind for one in answer.derived], ["cost_limit_exceeded", "phase_failed"])
        self.assertEqual(self.ledger.status()["a"].state, State.FAILED)
        self.assertTrue(self.ledger.as_of(3).cost_check("a", "0.9").fits)

    def test_what_is_left_and_where_it_went(self) -> None:
        self.ledger.cost_record("a", 0.25, model="m")
        self.ledger.cost_record("b", Decimal("2.50"), model="n", operation="o")
        self.ledger.cost_record("b", -0.5, refund=True)
        remaining = self.ledger.cost_remaining("a", per_item=0.3)
        self.assertEqual((remaining.remaining, remaining.items), (Decimal("0.75"), 2))
        summary = self.ledger.cost_summary()
        self.assertEqual((summary.workflows[0].name, summary.workflows[0].spent), ("w", Decimal("2.25")))
        self.assertEqual(
            [(one.name, one.spent) for one in summary.phases["w"]],
            [("a", Decimal("0.25")), ("b", Decimal("2"))],
        )
        by_model = {group.key: group.spent for group in self.ledger.cost_by("model")}
        self.assertEqual(by_model, {"m": Decimal("0.25"), "n": Decimal("2.5"), None: Decimal("-0.5")})
        self.assertEqual(self.ledger.cost_by("phase", "#2..", workflow="w")[0].key, "w/b")
        self.ledger.cost_limit(20, workflow="w")
        self.ledger.cost_limit("15", phase="a")
        planned = self.ledger.cost_project(
            [{"phase": "a", "amount": 0.1, "count": 100}, {"phase": "b", "amount": 9}]
        )
        self.assertEqual([limit.fits for limit in planned.limits if limit.scope == "workflow"], [False])

    def test_limits_have_a_reason_and_a_period(self) -> None:
        self.ledger.cost_record("b", 2)
        self.ledger.cost_limit(3, phase="b", per="month", tz="+02:00", reason="the trial")
        self.assertEqual(
            [one.kind for one in self.ledger.cost_record("b", "1.50").derived],
            ["cost_warning_raised", "cost_limit_exceeded"],
        )
        (own,) = [limit for limit in self.ledger.cost_check("b", 0).limits if limit.period is not None]
        self.assertEqual((own.spent, own.limit, own.fits), (Decimal("3.50"), Decimal(3), False))
        with self.assertRaises(Rejected):
            self.ledger.start("b")
        with self.assertRaises(UsageError):
            self.ledger.cost_limit(3, phase="b", per="year")

    def test_what_is_held_is_held_once(self) -> None:
        held = self.ledger.cost_reserve("b", "6.00", hold_for="30m", id="key:held")
        self.assertEqual(self.ledger.cost_reserve("b", "6.00", hold_for="30m", id="key:held").seq, held.seq)
        with self.assertRaises(DoesNotFit) as raised:
            self.ledger.cost_reserve("b", 5)
        self.assertEqual(raised.exception.details["limits"][0]["reserved"], "6.00")
        self.assertEqual(self.ledger.cost_check("b", 5).limits[1].reserved, Decimal("6.00"))
        self.ledger.cost_record("b", "5.50", reservation=held.id)
        self.assertEqual(self.ledger.cost_remaining("b").remaining, Decimal("4.50"))
        other = self.ledger.cost_reserve("b", 1)
        self.ledger.cost_release(other.id, reason="not needed")
        with self.assertRaises(Rejected):
            self.ledger.cost_release(other.id)
        with self.assertRaises(UnknownReservation):
            self.ledger.cost_release("key:none")

    def test_what_is_no_cost_is_refused(self) -> None:
        before = self.ledger.export()
        for error, call in (
            (UsageError, lambda: self.ledger.cost_record("a", float("nan"))),
            (UsageError, lambda: self.ledger.cost_record("a", 1e300)),
            (UsageError, lambda: self.ledger.cost_record("a", "1e-10")),
            (UsageError, lambda: self.ledger.cost_record("a", Decimal("0.0000000001"))),
            (UnknownPhase, lambda: self.ledger.cost_record("nope", 1)),
            (UsageError, lambda: self.ledger.preview().cost_record("a", 1)),
        ):
            with self.assertRaises(error) as raised:
                call()
            self.assertNotIn("line 1", raised.exception.message)
        self.assertEqual(self.ledger.export(), before)

    def test_amounts_have_no_noise(self) -> None:
        for amount, text in (
            (0.1 + 0.2, "0.3"),
            (4.87, "4.87"),
            (30.0, "30.0"),
            (1e-12, "0"),
            (0.0001234567891, "0.000123457"),
            (1e16, "10000000000000000"),
            (7, "7"),
            ("1.10", "1.10"),
            (Decimal("1.10"), "1.10"),
            (Decimal("0.1234567891"), "0.1234567891"),
        ):
            self.assertEqual(amount_of(amount), text)

    def test_a_phase_over_its_limit_starts_with_a_reason(self) -> None:
        self.ledger.cost_record("a", 2)
        with self.assertRaises(Rejected):
            self.ledger.start("a")
        self.ledger.start("a", over_limit=True, reason="the books are worth it")


class Approvals(Paid):
    def test_the_policy_decides_or_a_person(self) -> None:
        cheap = self.ledger.approval_request("analyse", 0.5, 3)
        self.assertEqual([one.kind for one in cheap.derived], ["approval_granted"])
        dear = self.ledger.approval_request("delete_plan", 60, 3, impact="all of it")
        self.assertEqual([one.kind for one in dear.derived], ["approval_rejected"])
        waits = self.ledger.approval_request("delete_plan", 25, 3, metadata={"k": 1})
        self.assertEqual(waits.derived, ())
        self.assertEqual(self.ledger.approval_wait(waits.id, 0).status, "PENDING")
        self.ledger.approval_grant(waits.id, "it is worth it", by="eva")
        after = self.ledger.approval_request("delete_plan", 25, 3)
        self.ledger.approval_reject(after.id, "not twice", by="eva")
        approvals = self.ledger.approvals()
        statuses = ["AUTO_GRANTED", "AUTO_REJECTED", "GRANTED", "REJECTED"]
        self.assertEqual([one.status for one in approvals], statuses)
        self.assertEqual(
            (approvals[2].is_granted, approvals[2].decided_by, approvals[2].metadata), (True, "eva", {"k": 1})
        )
        self.assertEqual(approvals[1].impact, "all of it")
        self.assertEqual(self.ledger.approvals(pending=True), [])

    def test_a_request_is_decided_once_and_by_another(self) -> None:
        asked = self.ledger.approval_request("x", 25, 1)
        with self.assertRaises(Rejected):
            self.ledger.approval_grant(asked.id, "my own")
        self.ledger.approval_reject(asked.id, "no", by="eva")
        with self.assertRaises(Rejected):
            self.ledger.approval_grant(asked.id, "yes", by="eva")
        with self.assertRaises(UnknownApproval):
            self.ledger.approval_grant("0199f3c1-0000-7000-8000-000000000000", "which?", by="eva")


if __name__ == "__main__":
    unittest.main()
