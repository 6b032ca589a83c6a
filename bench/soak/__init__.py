"""An endurance run of the real processes under load and trouble, with a ledger that is compared at the end."""
