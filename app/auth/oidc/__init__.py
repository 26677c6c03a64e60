"""Login by OpenID Connect: the authorization code flow (OpenID Connect Core 1.0 section 3.1)."""
