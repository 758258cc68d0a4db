"""Tests of one node as several processes."""
