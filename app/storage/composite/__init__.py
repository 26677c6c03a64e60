"""Several stores that act as one."""
