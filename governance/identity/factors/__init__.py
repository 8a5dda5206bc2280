"""Second factors: passkeys and codes, step-up, and the gate that asks for them."""
