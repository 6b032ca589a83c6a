"""The programs beside the web server: worker, gateway, served versions, practice model."""
