"""Leaving with the model: an adapter as the files that other tools load, a card, and a proof for each of them.

Heavy but for `model`; knows the store by its port, and no farm and no terminal.
"""
