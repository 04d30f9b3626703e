"""The tools that look, a module each; each gives the one shape of `ops.security.findings`."""
