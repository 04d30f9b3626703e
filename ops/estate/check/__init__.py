"""What an estate lacks, with the fix."""
