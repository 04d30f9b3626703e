"""Hosts reached over SSH: connected, trusted."""
