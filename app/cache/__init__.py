"""What was read or rendered once and may be used again: bounded in bytes, and honest about its age."""
