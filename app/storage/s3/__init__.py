"""A tree in a bucket of S3, or of any engine that speaks its API."""
