"""The least-privilege account on a host: a gate in front of every command, and how it is made."""
