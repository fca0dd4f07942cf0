"""Foundation models: the catalogue of those the farm knows, and the tiny one it ships.

The drawn world the tiny base learns from lives here too; nothing here knows of brands' adapters.
"""
