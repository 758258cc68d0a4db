"""Tests of the language room, one file per module, and the PDUs of others as known answers."""
