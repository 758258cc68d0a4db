"""The promises of five provider documents as tests: one file per document, one test per promise."""
