"""Logs as JSON lines, with the request's id and without anything that identifies a patient."""

import logging.config
from typing import Any

import structlog
from structlog.typing import Processor

from medimaging.common.scrubbing import scrub


def configure_logging(settings: dict[str, Any]) -> None:
    """Send both structlog's and the standard library's events through one JSON formatter."""
    from django.conf import settings as site

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        scrub,
                        structlog.processors.JSONRenderer(),
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            # Refusals are in the entry of their request already; this one would name the whole path.
            "loggers": {"django.request": {"level": "ERROR"}},
            "root": {"handlers": ["stderr"], "level": site.LOG_LEVEL},
        }
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
