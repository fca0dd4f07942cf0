"""Datasets: other people's files in, decoded pictures with captions out, and what training reads of them."""
