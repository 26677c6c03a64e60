"""Who asks: credentials, addresses and licence acceptances become a `Principal`."""
