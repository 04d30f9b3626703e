"""Passwords and master keys replaced."""
