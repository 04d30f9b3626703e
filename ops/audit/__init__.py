"""The journal's signed heads in every store; verified, accepted."""
