"""Restore drills: a runbook rehearsed in a sandbox, judged by what the restored site shows."""
