"""Networks, losses and batches in torch, without estimators."""
