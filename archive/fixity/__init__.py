"""Whether every byte is still what it was, and what to do where it is not."""
