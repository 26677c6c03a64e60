"""Typed contexts in, bytes out: HTML, JSON, ndjson and text. No I/O at request time, no request object."""
