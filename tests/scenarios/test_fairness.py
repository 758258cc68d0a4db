"""Nobody starves: a real node under more load than it can take, seen from many clients.

What is compared comes from one run, so that it holds on any machine.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator.load.result import GOOD
from smppproxy.simulator.load.run import Load, Moment
from tests.bench.rig import Rig, Setup
from tests.support.running import CHEAP


class FairnessTests(SynchronousTestCase):
    """The node, the simulators and the clients are processes of their own."""

    timeout = 240

    def rig(self, network: str = "") -> Rig:
        """A node with its provider."""
        made = Rig(Setup(network=network))
        self.addCleanup(made.stop)
        made.start()
        made.ready()
        return made

    def test_500_binds(self) -> None:
        """500 binds x window 2: each gets its share, everything comes back."""
        rig = self.rig()
        result = Load(rig.options(binds=500, window=2, count=6000, drain=60.0), 1).run()
        self.assertEqual((result.exit_status, result.faults()), (GOOD, {}))
        least, most = result.of_a_bind
        # Twelve each on average.
        self.assertGreaterEqual(least, 4)
        self.assertLessEqual(most, 36)

    def test_one_greedy_client_beside_200_quiet_ones(self) -> None:
        """Who has one message at a time is not kept waiting by who has a thousand."""
        account = f'\n[account.quiet]\npassword = "{CHEAP.hash("quiet")}"\nmax_binds = 1000\n'
        rig = self.rig(account)

        flows = Event()

        def told(moment: Moment) -> None:
            if moment.counts.accepted > 1000:
                flows.set()

        options = rig.options(binds=1, window=1000, seconds=120.0, drain=60.0)
        greedy = Load(options, 1, told=told)
        options = rig.options(
            binds=200, window=1, count=1000, prefixes=[b"46702"], drain=60.0,
            system_id=b"quiet", password=b"quiet",
        )  # fmt: skip
        with ThreadPoolExecutor() as pool:
            running = pool.submit(greedy.run)
            try:
                self.assertTrue(flows.wait(60.0))
                found = Load(options, 1).run()
            finally:
                greedy.interrupt()
            loud = running.result()
        self.assertEqual((found.exit_status, found.faults()), (GOOD, {}))
        self.assertEqual((loud.exit_status, loud.faults()), (GOOD, {}))
        self.assertGreaterEqual(found.of_a_bind[0], 1)
        longest = 3 * loud.responses.quantile(0.99)
        self.assertLessEqual(found.responses.quantile(0.9), longest)
