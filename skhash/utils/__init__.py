"""Functions that several packages of skhash share."""
