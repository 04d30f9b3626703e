"""Mirrors and copies; the rule 3-2-1-1-0."""
