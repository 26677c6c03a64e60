"""How an answer goes out: its headers and its bytes."""
