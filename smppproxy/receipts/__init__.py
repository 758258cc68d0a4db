"""The return: reading providers' receipts, matching their ids, writing ours. Pure."""
