"""Labeling sessions of a workspace: people judge an experiment's answers in the Review App that the workspace has for it."""
