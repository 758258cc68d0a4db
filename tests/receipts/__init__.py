"""Tests of the return, with the receipts of many providers as known answers."""

from hypothesis import settings

# No deadline: the machine may be busy. No database: a failure prints all that repeats it.
bounded = settings(max_examples=100, deadline=None, database=None)
