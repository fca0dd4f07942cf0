"""Adapters as rows: which layers carry one, how a row is laid out, and the bank that applies many rows in one batch."""
