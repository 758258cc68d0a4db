"""Whole nodes on real sockets with a real store."""
