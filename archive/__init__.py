"""Long-term preservation: archival objects, web captures, fixity, retention."""
