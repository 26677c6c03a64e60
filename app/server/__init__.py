"""The socket side: connections, the front door, and the fast path for answers in memory."""
