"""Samples: hosts, this machine and devices, looked at without an agent."""
