"""What may be deleted, and what must stay: minimums, holds, brakes, and records of deletions."""
