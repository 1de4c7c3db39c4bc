"""Settings: one file, read from the environment, no forks for development or production.

Every variable is listed in docs/operations.md. With none set, the site runs
embedded: SQLite in WAL, local files, and a file-based broker, all under `var/`.
"""

import logging
import os
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import dj_database_url
import django_stubs_ext
from botocore.config import Config
from celery.schedules import crontab
from csp.constants import NONE, SELF

import medimaging.celery  # noqa: F401  -- shared tasks belong to this application
from medimaging.environment import (
    installation_secret,
    read_bool,
    read_int,
    read_list,
    read_networks,
    read_str,
)

# Django's own generic classes take type arguments only with this.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
# A test run must never touch an installation, so it gets a folder of its own.
_DEFAULT_VAR = mkdtemp(prefix="medimaging-test-") if TESTING else str(BASE_DIR / "var")
VAR_DIR = Path(read_str("MEDIMAGING_VAR", _DEFAULT_VAR)).resolve()
DATA_DIR = Path(read_str("MEDIMAGING_DATA", str(BASE_DIR.parent / "shared" / "data")))
SHIPPED_MODELS_DIR = BASE_DIR / "mlcore" / "shipped"

DEBUG = read_bool("MEDIMAGING_DEBUG", default=False)
HTTPS = read_bool("MEDIMAGING_HTTPS", default=False)
BEHIND_PROXY = read_bool("MEDIMAGING_BEHIND_PROXY", default=False)
SITE_URL = read_str("MEDIMAGING_SITE_URL", "http://127.0.0.1:8000").rstrip("/")
"""Where links in letters lead."""
SECRET_KEY = installation_secret("MEDIMAGING_SECRET_KEY", VAR_DIR / "secrets")
SECRET_KEY_FALLBACKS = read_list("MEDIMAGING_SECRET_KEY_FALLBACKS")
"""Earlier signing keys whose sessions and links are still believed; only the key itself signs."""
IDENTITY_KEY = installation_secret("MEDIMAGING_IDENTITY_KEY", VAR_DIR / "secrets")
"""Keys pseudonyms and new UIDs. Whoever loses it can no longer join new images to known patients."""

ALLOWED_HOSTS = read_list("MEDIMAGING_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = read_list("MEDIMAGING_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "accounts.apps.AccountsConfig",
    "mlcore.apps.MlcoreConfig",
    "diagnosis.apps.DiagnosisConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "import_export",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "storages",
]

MIDDLEWARE = [
    "medimaging.common.health.HealthMiddleware",
    "medimaging.common.metrics.MetricsMiddleware",
    "medimaging.common.security_headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "medimaging.common.methods.PageMethodsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "medimaging.common.request_log.RequestLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "accounts.middleware.StaffMfaMiddleware",
    "medimaging.common.unavailable.UnavailableMiddleware",
]

ROOT_URLCONF = "medimaging.urls"
WSGI_APPLICATION = "medimaging.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------

DATABASE_URL = read_str("MEDIMAGING_DATABASE_URL", f"sqlite:///{VAR_DIR / 'medimaging.sqlite3'}")
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60)}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Web and worker write at once: WAL lets readers go on, IMMEDIATE takes the write lock at the
    # start of a transaction (so that it waits instead of failing half-way), FULL survives a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;",
    }
    # A file, because the tests start real worker processes on the same database.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Files ----------------------------------------------------------------------------------

S3_BUCKET = read_str("MEDIMAGING_S3_BUCKET")
STORAGES: dict[str, Any] = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    "default": {
        "BACKEND": "medimaging.common.local_files.WholeFileStorage",
        "OPTIONS": {
            "location": str(VAR_DIR / "files"),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
            "allow_overwrite": True,
        },
    },
}
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": read_str("MEDIMAGING_S3_ENDPOINT") or None,
            "access_key": read_str("MEDIMAGING_S3_ACCESS_KEY") or None,
            "secret_key": read_str("MEDIMAGING_S3_SECRET_KEY") or None,
            "region_name": read_str("MEDIMAGING_S3_REGION", "us-east-1"),
            # A server that is gone is noticed in seconds, not in botocore's five times a minute.
            "client_config": Config(
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 3},
            ),
            "default_acl": "private",
            "querystring_auth": True,
            "file_overwrite": True,
        },
    }

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200
UPLOAD_MAX_BYTES = read_int("MEDIMAGING_UPLOAD_MAX_BYTES", 100 * 1024 * 1024, minimum=1024)
UPLOAD_OPEN_MAX_BYTES = read_int("MEDIMAGING_UPLOAD_OPEN_MAX_BYTES", 1024 * 1024 * 1024, minimum=1024)
"""Bytes that one user may have begun to send and not finished."""
UPLOAD_PART_SECONDS = read_int("MEDIMAGING_UPLOAD_PART_SECONDS", 2 * 3600, minimum=60)
"""How long an interrupted upload may be resumed; its parts hold identity until then."""
UPLOAD_MAX_PIXELS = read_int("MEDIMAGING_UPLOAD_MAX_PIXELS", 64_000_000, minimum=1)
UPLOAD_MAX_FRAMES = read_int("MEDIMAGING_UPLOAD_MAX_FRAMES", 512, minimum=1)
DICOMWEB_MAX_BYTES = read_int("MEDIMAGING_DICOMWEB_MAX_BYTES", 2 * 1024**3, minimum=1024)
"""How long one STOW-RS request is read at most, all its instances together."""
DIMSE_PORT = read_int("MEDIMAGING_DIMSE_PORT", 0, minimum=0)
"""Where `serve` starts the listener for C-STORE; 0 not at all."""
DIMSE_HOST = read_str("MEDIMAGING_DIMSE_HOST", "127.0.0.1")
DIMSE_AE_TITLE = read_str("MEDIMAGING_DIMSE_AE_TITLE", "MEDIMAGING")
DIMSE_CALLERS = read_list("MEDIMAGING_DIMSE_CALLERS")
"""AE titles that may call; a title proves nothing, so the port belongs behind a firewall."""
DIMSE_USER = read_str("MEDIMAGING_DIMSE_USER")
DIMSE_EXAMINATION_TYPE = read_str("MEDIMAGING_DIMSE_EXAMINATION_TYPE")
DICOMWEB_MAX_INSTANCES = read_int("MEDIMAGING_DICOMWEB_MAX_INSTANCES", 2000, minimum=1)

_UPLOADS_PER_HOUR = read_int("MEDIMAGING_UPLOADS_PER_HOUR", 10_000, minimum=1)
_UPLOAD_GB_PER_HOUR = read_int("MEDIMAGING_UPLOAD_GB_PER_HOUR", 50, minimum=1)
_SYSTEM_UPLOADS_PER_HOUR = read_int("MEDIMAGING_SYSTEM_UPLOADS_PER_HOUR", 100_000, minimum=1)
_SYSTEM_UPLOAD_GB_PER_HOUR = read_int("MEDIMAGING_SYSTEM_UPLOAD_GB_PER_HOUR", 500, minimum=1)
UPLOAD_QUOTAS = {
    "person": (_UPLOADS_PER_HOUR, _UPLOAD_GB_PER_HOUR * 1024**3),
    "system": (_SYSTEM_UPLOADS_PER_HOUR, _SYSTEM_UPLOAD_GB_PER_HOUR * 1024**3),
}
"""Files and bytes that one user may hand in within an hour; an integrator stands for a system."""

# --- People ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
if TESTING:  # a slow hash is right for people and wrong for a thousand factories
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "diagnosis:worklist"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
ACCOUNT_FORMS = {"signup": "accounts.registration.RegistrationForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if read_str("MEDIMAGING_EMAIL_HOST") else "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
ACCOUNT_EMAIL_SUBJECT_PREFIX = "medimaging: "
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "signup": "60/h/ip",
    "reset_password": "20/h/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "medimaging"
# Without a mail server no address is ever verified; an administrator has vouched for the person.
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION == "none"
STAFF_MFA = read_bool("MEDIMAGING_STAFF_MFA", default=False)
"""Whether staff must set up a second factor before they may do anything else."""
USERSESSIONS_TRACK_ACTIVITY = False
SESSION_COOKIE_AGE = read_int("MEDIMAGING_SESSION_SECONDS", 12 * 3600, minimum=60)

EMAIL_HOST = read_str("MEDIMAGING_EMAIL_HOST")
EMAIL_PORT = read_int("MEDIMAGING_EMAIL_PORT", 587, minimum=1)
EMAIL_HOST_USER = read_str("MEDIMAGING_EMAIL_USER")
EMAIL_HOST_PASSWORD = read_str("MEDIMAGING_EMAIL_PASSWORD")
EMAIL_USE_TLS = read_bool("MEDIMAGING_EMAIL_TLS", default=True)
DEFAULT_FROM_EMAIL = read_str("MEDIMAGING_EMAIL_FROM", "medimaging@localhost")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = VAR_DIR / "mail"

CACHE_URL = read_str("MEDIMAGING_CACHE_URL")
CACHES: dict[str, Any] = {
    # Rate limits count across the web processes, so the cache must be one that they share.
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(VAR_DIR / "cache"),
        # Past this many files old ones go at random, and with them what a limit has counted.
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# --- Closed by default ----------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# A browser takes a cookie of such a name only over TLS, for this very host, and from nobody else's page.
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS and read_bool("MEDIMAGING_HTTPS_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # collected from inside, past the proxy; closed by its token
SECURE_REFERRER_POLICY = "same-origin"
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
        "worker-src": [SELF],
    }
}

# --- Work in the background -----------------------------------------------------------------

CELERY_BROKER_URL = read_str("MEDIMAGING_BROKER_URL", "filesystem://localhost/")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "diagnosis.run_analysis": {"queue": "analysis"},
    "mlcore.run_training": {"queue": "training"},
    "mlcore.judge_candidate": {"queue": "training"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "reap": {"task": "diagnosis.reap", "schedule": 5.0, "options": {"expires": 5}},
    "finish-erasures": {"task": "diagnosis.finish_erasures", "schedule": 60.0, "options": {"expires": 60}},
    "expire-partial-uploads": {
        "task": "diagnosis.expire_partial_uploads",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "reap-exports": {"task": "diagnosis.reap_exports", "schedule": 30.0, "options": {"expires": 30}},
    "deliver-due": {"task": "accounts.deliver_due", "schedule": 10.0, "options": {"expires": 10}},
    "reap-training": {"task": "mlcore.reap_training", "schedule": 10.0, "options": {"expires": 10}},
    "train-when-due": {"task": "mlcore.train_when_due", "schedule": 10.0, "options": {"expires": 10}},
}
TRAINING_HOUR = read_int("MEDIMAGING_TRAINING_HOUR", 2, minimum=-1)
"""Hour of the day (UTC) at which what was signed since is trained on, few as it may be; -1 never."""
if 0 <= TRAINING_HOUR <= 23:
    CELERY_BEAT_SCHEDULE["train-by-schedule"] = {
        "task": "mlcore.train_by_schedule",
        "schedule": crontab(hour=str(TRAINING_HOUR), minute="0"),
    }
if CELERY_BROKER_URL.startswith("filesystem"):
    BROKER_DIR = VAR_DIR / "broker"
    for _folder in ("messages", "control", "processed"):
        (BROKER_DIR / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.05,
    }
ANALYSIS_LEASE_SECONDS = read_int("MEDIMAGING_ANALYSIS_LEASE_SECONDS", 30, minimum=1)
"""How long a worker may hold an analysis before the reaper takes it back."""
ANALYSIS_QUEUE_SECONDS = read_int("MEDIMAGING_ANALYSIS_QUEUE_SECONDS", 15, minimum=1)
"""How long a pending analysis may wait before the reaper signals it again."""
ANALYSIS_MAX_ATTEMPTS = read_int("MEDIMAGING_ANALYSIS_MAX_ATTEMPTS", 3, minimum=1)
EXPLANATION_LEASE_SECONDS = read_int("MEDIMAGING_EXPLANATION_LEASE_SECONDS", 120, minimum=1)
"""How long a worker may draw one map before the reaper takes it back."""
EXPLANATION_QUEUE_SECONDS = read_int("MEDIMAGING_EXPLANATION_QUEUE_SECONDS", 30, minimum=1)
"""How long a map that was asked for may wait before the reaper signals it again."""
SERVES_MODELS = read_bool("MEDIMAGING_SERVES_MODELS", default=True)
"""Whether a worker process loads the active models when it starts; one that only trains does not."""
TRAINING_LEASE_SECONDS = read_int("MEDIMAGING_TRAINING_LEASE_SECONDS", 60, minimum=1)
"""How long a training may go without a sign of life before the reaper takes it back."""
TRAINING_QUEUE_SECONDS = read_int("MEDIMAGING_TRAINING_QUEUE_SECONDS", 120, minimum=1)
"""How long a pending training may wait before the reaper signals it again."""
TRAINING_MAX_ATTEMPTS = read_int("MEDIMAGING_TRAINING_MAX_ATTEMPTS", 5, minimum=1)
TRAINING_NICE = read_int("MEDIMAGING_TRAINING_NICE", 15, minimum=0)
"""By how much a process that only trains steps back behind those that answer."""
TRAINING_THREADS = read_int("MEDIMAGING_TRAINING_THREADS", max(1, (os.cpu_count() or 2) // 2), minimum=1)
DEFAULT_ARCHITECTURE = read_str("MEDIMAGING_ARCHITECTURE", "efficientnet_lite0")
"""The network of an examination type's first training, where none is named."""
NEW_CONDITION_EXAMPLES = read_int("MEDIMAGING_NEW_CONDITION_EXAMPLES", 50, minimum=2)
"""Signed examples from which a new condition gets an output at the next training."""

EXPORT_HOURS = read_int("MEDIMAGING_EXPORT_HOURS", 24, minimum=1)
"""How long the file of an export is kept."""
WEBHOOK_RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""How long to wait after each attempt that failed; after the last one a message is given up."""
WEBHOOK_ALLOWED_NETWORKS = read_networks("MEDIMAGING_WEBHOOK_ALLOWED_NETWORKS")
"""Private networks that webhooks may lead into all the same, also without https."""

# --- REST -----------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.ScopePermission"],
    "DEFAULT_PARSER_CLASSES": ["medimaging.common.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "medimaging.common.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "medimaging.common.openapi.Schema",
    "DEFAULT_VERSIONING_CLASS": None,
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": read_str("MEDIMAGING_THROTTLE_ANON", "60/min"),
        "user": read_str("MEDIMAGING_THROTTLE_USER", "3000/min"),
    },
    # How many proxies to believe about the caller's address; a header that anybody may send is not proof.
    "NUM_PROXIES": read_int("MEDIMAGING_PROXIES", int(read_bool("MEDIMAGING_BEHIND_PROXY", default=False))),
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "mlcore.api.problems.site_problem_handler",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "medimaging",
    "DESCRIPTION": "Upload medical images, read what the model finds, review and sign.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["medimaging.common.openapi.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",  # builds the components anew, so it comes first
        "medimaging.common.openapi.with_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AnalysisState": "diagnosis.models.AnalysisState",
        "ExportFormat": "diagnosis.models.ExportFormat",
        "ExportKind": "diagnosis.models.ExportKind",
        "ExportState": "diagnosis.models.ExportState",
        "DeliveryState": "accounts.models.DeliveryState",
        "ConditionState": "diagnosis.models.ConditionState",
        "DisagreementReason": "diagnosis.models.DisagreementReason",
        "ModelState": "mlcore.models.ModelState",
        "ReviewState": "diagnosis.models.ReviewState",
        "Scope": "accounts.models.Scope",
        "Sex": "diagnosis.models.Sex",
        "TrainingKind": "mlcore.models.TrainingKind",
        "TrainingState": "mlcore.models.TrainingState",
        "TrainingTrigger": "mlcore.models.TrainingTrigger",
        "UploadSource": "diagnosis.models.UploadSource",
        "UploadState": "diagnosis.models.UploadState",
        "UserStatus": "accounts.models.UserStatus",
        "Verdict": "diagnosis.models.Verdict",
        "WebhookEvent": "accounts.models.WebhookEvent",
    },
}

# --- Language, time, logs -------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = USE_TZ = True

METRICS_TOKEN = read_str("MEDIMAGING_METRICS_TOKEN")
"""What Prometheus has to carry; without one nobody reads the metrics."""
LOG_LEVEL = read_str("MEDIMAGING_LOG_LEVEL", "INFO")
LOGGING_CONFIG = "medimaging.common.logging.configure_logging"
LOGGING: dict[str, Any] = {"version": 1}
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_COMMAND_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_CELERY_ENABLED = True
"""A task carries the id of the request that caused it."""
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
