"""The service's own site: what it saves of itself, who signs for it, and how it comes back."""
