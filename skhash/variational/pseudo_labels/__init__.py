"""Pseudo-labels, neighbors and clusters of samples, without torch."""
