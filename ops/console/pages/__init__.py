"""What each page shows: one module a page, each made of what tasks give as documents."""
