"""Vietnamese first, English on demand."""
