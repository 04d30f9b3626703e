"""Live databases as dumps: consistent, streamed, and whole or not at all."""
