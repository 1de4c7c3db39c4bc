"""Dockerfile and compose.yaml name what is there, and give no secret away."""

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OWN_ROLES = ["migrate", "web", "worker-analysis", "worker-default", "worker-training", "clock"]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def command_of(service):
    return service.get("command", [])


def test_every_role_runs_the_one_image_as_an_unprivileged_and_read_only_process(compose):
    for name in OWN_ROLES:
        service = compose["services"][name]
        assert service["image"] == "medimaging"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert re.search(r"^USER medimaging$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_the_programs_of_every_role_are_installed(compose):
    image = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
    programs = {command_of(compose["services"][n])[0] for n in OWN_ROLES if n != "web"} | {
        yaml.safe_load(image)[0]
    }
    for program in programs - {"sh"}:
        assert shutil.which(program, path=str(Path(sys.executable).parent)), program


def test_each_queue_has_a_worker_and_the_clock_stands_alone(compose):
    commands = [command_of(compose["services"][name]) for name in OWN_ROLES]
    served = {word for c in commands if "--queues" in c for word in c[c.index("--queues") + 1].split(",")}
    wanted = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert served == wanted | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert sum("beat" in command for command in commands) == 1


def test_every_variable_is_one_that_is_documented(compose):
    documented = (ROOT / "docs/operations.md").read_text()
    for name in OWN_ROLES:
        for variable in compose["services"][name]["environment"]:
            short = variable.replace("MEDIMAGING_S3_", "_S3_")
            assert f"`{variable}`" in documented or f"`{short}`" in documented, variable


def test_no_secret_has_a_default(compose):
    text = (ROOT / "compose.yaml").read_text()
    for name, rest in re.findall(r"\$\{([A-Z0-9_]*(?:KEY|PASSWORD)[A-Z0-9_]*)([^}]*)\}", text):
        assert rest in (":?set it", ":-"), name
    assert ".env" in (ROOT / ".dockerignore").read_text().split()


def test_the_image_holds_every_package_of_the_site():
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == {"medimaging", "accounts", "mlcore", "diagnosis", "templates", "static"}
