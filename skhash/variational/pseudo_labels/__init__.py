"""Pseudo-labels and neighbors of unlabeled samples, without torch."""
