"""Generation: recipes to images, in fixed batches that mix adapters, strengths, seeds and guidance.

Knows the base, the bank and the store's port; refuses to know of campaigns, leases and clusters.
"""
