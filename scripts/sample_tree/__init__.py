"""A tree like a release server's, made of nothing: to try the server on, and to test it with.

`items` has the values a tree is planned in, `releases`, `licensing` and `names` plan its parts, `plan` puts
them together, `build` writes them to a directory and `upload` to S3.
"""
