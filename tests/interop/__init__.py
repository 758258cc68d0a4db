"""Foreign clients and foreign providers against a real node.

Every foreign program here speaks the same small language with the tests: one JSON object per
line, orders on its standard input, what it saw on its standard output. ``actors.py`` starts
them, ``harness.py`` starts the node.
"""
