"""Probes: every site asked as a visitor would ask it."""
