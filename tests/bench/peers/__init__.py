"""`python -m tests.bench.peers`: what others do under the same load, beside us, in one run."""
