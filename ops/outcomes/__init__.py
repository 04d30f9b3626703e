"""One vocabulary of outcomes: a code, what, why, is data safe, what to type."""
