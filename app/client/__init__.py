"""Fetches files from a Pierhead server. It uses nothing of the server but `domain/`."""
