"""The stack that the tests of this folder run on: PostgreSQL, Redis, S3, two web servers, three workers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.stack import servers
from tests.stack.site import Site


@dataclass
class Stack:
    """A running site, and the secrets that `prepare` made."""

    site: Site
    endpoint: str
    made: dict[str, str]

    def client(self, web: int, *, who: str = "reader") -> httpx.Client:
        """Return a client of one of the two web servers."""
        headers = {"Authorization": f"Bearer {self.made[who]}"}
        return httpx.Client(base_url=self.site.addresses[web], headers=headers, timeout=60)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Run everything for the tests of this folder, by environment variables alone."""
    folder = Path(tempfile.mkdtemp(prefix="medimaging-stack-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    started = []
    site = Site(folder / "var", {})
    (folder / "var").mkdir()
    try:
        database = servers.postgres(folder / "postgres")
        broker, redis_url = servers.redis(folder)
        storage, endpoint = servers.s3(folder)
        for server in (storage, database.process, broker):
            server.launch()
            started.append(server)
        for server in started:
            server.wait()
        database.make_database()
        site.servers = {
            "MEDIMAGING_DATABASE_URL": database.url,
            "MEDIMAGING_BROKER_URL": f"{redis_url}/0",
            "MEDIMAGING_CACHE_URL": f"{redis_url}/1",
            "MEDIMAGING_THROTTLE_ANON": "10/min",
            "MEDIMAGING_S3_BUCKET": servers.BUCKET,
            "MEDIMAGING_S3_ENDPOINT": endpoint,
            "MEDIMAGING_S3_ACCESS_KEY": servers.ACCESS_KEY,
            "MEDIMAGING_S3_SECRET_KEY": servers.SECRET_KEY,
        }
        made = site.prepare()
        site.add_web()
        site.add_web()
        site.add_worker("analysis")
        site.add_worker("training", serves=False)
        site.add_worker("default", beat=True, serves=False)
        for process in (*site.workers.values(), *site.webs):
            process.launch()
        for process in site.webs:
            process.wait()
        yield Stack(site, endpoint, made)
    except servers.Absent as absent:
        pytest.skip(str(absent))
    finally:
        for process in (*site.webs, *site.workers.values(), *started):
            process.kill()  # nothing here is to be kept, and asking takes half a minute
        shutil.rmtree(folder, ignore_errors=True)
