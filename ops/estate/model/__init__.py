"""The estate file as frozen models."""
