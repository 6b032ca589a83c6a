"""Versions of the console's database."""
