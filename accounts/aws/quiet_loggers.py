"""Keeps AWS's loggers at INFO or above: at DEBUG, botocore logs response bodies, including values."""

from __future__ import annotations

import logging

QUIET_LOGGERS = ("boto3", "botocore", "urllib3", "s3transfer")


def quiet_loggers() -> None:
    """Set these loggers, and child loggers that were set lower, to INFO or above."""
    level = max(logging.INFO, logging.getLogger().level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith(tuple(f"{parent}." for parent in QUIET_LOGGERS)) and 0 < logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
