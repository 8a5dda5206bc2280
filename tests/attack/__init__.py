"""Each test tries an attack and asserts that it fails."""
