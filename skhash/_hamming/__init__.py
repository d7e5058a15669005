"""Exact Hamming search over packed codes: the compiled core and its index."""
