"""The drawn world of the tiny base: its words, places, patterns and products.

It knows numpy and Pillow, and refuses to know of models, training and files.
"""
