"""What a choice costs: `python -m tests.bench` measures time, the tests here count calls."""
