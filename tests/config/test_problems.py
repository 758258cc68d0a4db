"""Problems as they are printed."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import ConfigError, Problem


class ProblemTest(SynchronousTestCase):
    """One line per problem."""

    def test_printed(self) -> None:
        """File, line, option, what is wrong; what to write."""
        problem = Problem(
            "etc/network.toml",
            14,
            "provider.acme.window",
            '"ten" is not a whole number',
            "write a number from 1 to 10000, e.g. window = 10",
        )
        self.assertEqual(
            str(problem),
            'etc/network.toml:14: provider.acme.window: "ten" is not a whole number; '
            "write a number from 1 to 10000, e.g. window = 10",
        )

    def test_whole_file(self) -> None:
        """Without line and option neither is printed."""
        self.assertEqual(str(Problem("x.toml", 0, "", "gone", "look")), "x.toml: gone; look")

    def test_all_in_order(self) -> None:
        """An error prints every problem, in the order of the lines."""
        error = ConfigError([Problem("x", 12, "b", "t", "m"), Problem("x", 2, "a", "t", "m")])
        self.assertEqual(str(error), "x:2: a: t; m\nx:12: b: t; m")
        self.assertEqual([problem.line for problem in error.problems], [2, 12])
