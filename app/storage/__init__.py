"""Where the bytes are: a directory or an S3 bucket, behind one protocol."""
