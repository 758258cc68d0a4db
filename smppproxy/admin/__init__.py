"""The operator's doors: health, metrics and the ledger over HTTP."""
