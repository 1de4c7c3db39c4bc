"""Typed readers of the environment that refuse nonsense, and the installation's own secrets."""

import ipaddress
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def read_str(name: str, default: str = "") -> str:
    """Return the variable `name`, or `default` where it is not set."""
    return os.environ.get(name, default)


def read_bool(name: str, *, default: bool) -> bool:
    """Return a yes or a no; any other word is an error."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of 1, 0, true, false, yes, no, on, off.")


def read_int(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number of at least `minimum`."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error
    if value < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}.")
    return value


def read_list(name: str, default: str = "") -> list[str]:
    """Return the words of a comma-separated list."""
    return [word.strip() for word in read_str(name, default).split(",") if word.strip()]


def read_networks(name: str) -> list[str]:
    """Return the networks of a comma-separated list, such as 10.0.0.0/8."""
    networks = read_list(name)
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} must hold networks such as 10.0.0.0/8.") from error
    return networks


def installation_secret(variable: str, folder: Path) -> str:
    """Return the secret `variable`: from the environment, or kept in `folder`.

    On the embedded default the first process to ask makes the file, readable
    by its owner alone. Two processes that race get the same secret, because a
    finished file is linked into place and the loser reads the winner's.
    """
    given = os.environ.get(variable)
    if given:
        return given
    path = folder / variable.lower()
    if not path.exists():
        _create_secret(path)
    return path.read_text().strip()


def _create_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
