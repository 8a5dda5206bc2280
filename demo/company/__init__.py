"""A make-believe company: planned from a seed, put into moto, served as AWS, with the truth about it."""

from __future__ import annotations

from demo.company.running import Running, serve

__all__ = ["Running", "serve"]
