"""Second factors: passkeys, codes, step-up, and the middleware that requires them."""
