"""A folder with everything below it, in one ordered list."""
