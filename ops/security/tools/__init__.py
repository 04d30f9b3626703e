"""The tools that look: each turns its own answer into the one shape of `ops.security.findings`."""
