"""Keeping a console: backup, restore, a check of the installation, and taking over an MLflow store."""
