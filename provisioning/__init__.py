"""Hosts: inventory, SSH connections, desired state, drift."""
