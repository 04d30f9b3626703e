"""What `backup.mirror` consists of: what is decided, and how objects move."""
