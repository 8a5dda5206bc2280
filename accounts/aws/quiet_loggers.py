"""Loggers that must never go below INFO: at DEBUG botocore prints response bodies, values included."""

from __future__ import annotations

import logging

QUIET_LOGGERS = ("boto3", "botocore", "urllib3", "s3transfer")


def quiet_loggers() -> None:
    """Pin them at INFO or above, and whatever child of them was set lower by somebody."""
    level = max(logging.INFO, logging.getLogger().level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith(tuple(f"{parent}." for parent in QUIET_LOGGERS)) and 0 < logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
