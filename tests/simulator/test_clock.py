"""Many timers under one, and waiting for conditions."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.clock import Agenda, NotInTime, Ticker, until


class Agendas(SynchronousTestCase):
    """Agenda."""

    def test_runs_in_the_order_due_under_one_timer(self) -> None:
        """However many actions: one delayed call, each action once, in the order they are due."""
        clock = Clock()
        agenda = Agenda(clock)  # type: ignore[arg-type]
        ran: list[str] = []
        agenda.after(2.0, ran.append, "c")
        agenda.after(1.0, ran.append, "a")
        agenda.after(1.0, ran.append, "b")
        agenda.after(5.0, ran.append, "d")
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(1.0)
        self.assertEqual(ran, ["a", "b"])
        clock.advance(3.0)
        self.assertEqual((ran, len(agenda)), (["a", "b", "c"], 1))
        clock.advance(1.0)
        self.assertEqual((ran, clock.getDelayedCalls()), (["a", "b", "c", "d"], []))

    def test_clear(self) -> None:
        """Nothing runs after ``clear``; it may be called twice."""
        clock = Clock()
        agenda = Agenda(clock)  # type: ignore[arg-type]
        agenda.after(1.0, self.fail)
        agenda.clear()
        agenda.clear()
        self.assertEqual((len(agenda), clock.getDelayedCalls()), (0, []))


class Tickers(SynchronousTestCase):
    """Ticker."""

    def test_start_and_stop_are_idempotent(self) -> None:
        """Started twice it ticks once a period; stopped twice it is stopped."""
        clock = Clock()
        ticks: list[float] = []
        ticker = Ticker(clock, 1.0, lambda: ticks.append(clock.seconds()))
        ticker.start()
        ticker.start()
        clock.pump([1.0, 1.0])
        self.assertEqual(ticks, [1.0, 2.0])
        ticker.stop()
        ticker.stop()
        self.assertEqual(clock.getDelayedCalls(), [])


class Until(SynchronousTestCase):
    """until."""

    def test_true_at_once_later_and_never(self) -> None:
        """Fires when the condition is true, fails at the deadline with what was waited for."""
        clock = Clock()
        self.assertIsNone(self.successResultOf(until(clock, lambda: 1)))  # type: ignore[arg-type]
        flags: list[int] = []
        later = until(clock, lambda: flags)  # type: ignore[arg-type]
        self.assertNoResult(later)
        flags.append(1)
        clock.advance(0.01)
        self.successResultOf(later)
        never = until(clock, lambda: False, 0.02, "the moon")  # type: ignore[arg-type]
        clock.pump([0.005] * 6)
        self.assertIn("the moon", str(self.failureResultOf(never, NotInTime).value))

    def test_a_condition_that_raises(self) -> None:
        """The error of a condition reaches whoever waits."""
        clock = Clock()
        broken = until(clock, lambda: 1 / 0)  # type: ignore[arg-type]
        self.failureResultOf(broken, ZeroDivisionError)
