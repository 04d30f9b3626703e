"""A deduplicating, encrypted backup engine for the restic repository format v2."""

__version__ = "0.1.0"
