"""Tests of smppproxy, one folder per room."""
