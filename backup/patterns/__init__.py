"""The language of what is included and excluded."""
