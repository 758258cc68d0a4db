"""The memory, shared between nodes: maps, queued receipts and MO messages, counters."""
