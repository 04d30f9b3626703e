"""Estate files written, sampled, shown."""
