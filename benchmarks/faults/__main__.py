"""Run a campaign: python -m benchmarks.faults --servers embedded --rounds 200 --seed 1"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.faults import checks, load, victims
from tests.stack import servers
from tests.stack.processes import Process
from tests.stack.site import Site

SHORT = {
    "MEDIMAGING_ANALYSIS_LEASE_SECONDS": "5",
    "MEDIMAGING_ANALYSIS_QUEUE_SECONDS": "3",
    "MEDIMAGING_ANALYSIS_MAX_ATTEMPTS": "50",
}
"""Shorter leases make shorter rounds; more attempts, because here a worker is killed on purpose."""


def main() -> None:
    """Run the rounds and print one line of JSON a check; end with 1 where anything was lost.

    SIGINT ends it after the round it is in, with every check; another seed goes on from there.
    """
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--servers", choices=["embedded", "postgres"], default="embedded")
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--uploads", type=int, default=3, help="a round")
    asked.add_argument("--check-every", type=int, default=10, metavar="ROUNDS")
    asked.add_argument("--longest-pause", type=float, default=2.0, help="seconds before the kill")
    asked.add_argument("--final-seconds", type=float, default=300.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--keep", action="store_true", help="leave the installation where it is")
    options = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="medimaging-faults-"))
    folder.chmod(0o755)
    (folder / "var").mkdir()
    try:
        lost = Campaign(folder, options).run()
    except servers.Absent as absent:
        sys.exit(f"{absent}.")
    if not (options.keep or lost):  # what was lost is looked into where it lies
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(f"What is left lies in {folder}." if lost else 0)


class Campaign:
    """One installation that is hurt again and again."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.options = options
        self.draw = random.Random(options.seed)
        self.site = Site(folder / "var", dict(SHORT))
        self.parts: list[Process] = []
        self.victims: victims.Victims = {}
        self.kills: dict[str, int] = {}
        self.asked_to_end = False
        if options.servers == "postgres":
            self._add_servers(folder)

    def run(self) -> list[str]:
        """Carry out the rounds; return what was lost."""
        supervisor = victims.Supervisor(self.parts)
        signal.signal(signal.SIGINT, self._end_after_this_round)
        try:
            client, versions = self._start(supervisor)
            return self._rounds(client, versions)
        finally:
            supervisor.stop()

    def _end_after_this_round(self, number: int, frame: object) -> None:
        del number, frame
        self.asked_to_end = True

    def _add_servers(self, folder: Path) -> None:
        database = servers.postgres(folder / "postgres")
        broker, url = servers.redis(folder)
        for server in (database.process, broker):
            server.start()
        self.parts += [database.process, broker]
        database.make_database()
        self.site.servers = {
            **SHORT,
            "MEDIMAGING_DATABASE_URL": database.url,
            "MEDIMAGING_BROKER_URL": f"{url}/0",
            "MEDIMAGING_CACHE_URL": f"{url}/1",
        }
        self.victims["database"] = partial(victims.kill_tree, database.process)
        self.victims["broker"] = partial(victims.kill_tree, broker)

    def _start(self, supervisor: victims.Supervisor) -> tuple[load.Client, list[str]]:
        made = self.site.prepare()
        web = self.site.add_web(processes=2)
        worker = self.site.add_worker("analysis", "default", beat=True)
        self.victims |= {
            "web process": partial(victims.kill_child, web),
            "web server": partial(victims.kill_tree, web),
            "worker process": partial(victims.kill_child, worker),
            "worker's parent": partial(victims.kill_parent, worker),
            "worker": partial(victims.kill_tree, worker),
        }
        if self.options.servers == "embedded":
            messages = self.site.folder / "broker" / "messages"
            self.victims["broker"] = lambda draw: victims.lose_messages(messages)
        everything = [*self.parts, web, worker]
        self.victims["everything"] = lambda draw: [victims.kill_tree(p, draw) for p in everything]  # type: ignore[assignment]
        self.parts += [web, worker]
        worker.launch()
        web.start()
        supervisor.start()
        self._set_django_up()
        client = load.Client(self.site.addresses, made)
        return client, [made["second_version"], made["first_version"]]

    def _set_django_up(self) -> None:
        os.environ.update(self.site.environment, DJANGO_SETTINGS_MODULE="medimaging.settings")
        os.environ["MEDIMAGING_LOG_LEVEL"] = "ERROR"
        import django

        django.setup()

    def _rounds(self, client: load.Client, versions: list[str]) -> list[str]:
        images = load.images(self.draw)
        kept: list[load.Acknowledged] = []
        since: list[load.Acknowledged] = []
        lost: list[str] = []
        begun = time.monotonic()
        activated = 0
        for number in range(1, self.options.rounds + 1):
            uploading, activating, pool = load.begin_round(
                client, images, uploads=self.options.uploads, version=versions[number % 2], draw=self.draw
            )
            self._hurt()
            since += [future.result() for future in uploading]
            activated += activating.result()
            pool.shutdown()
            last = self.asked_to_end or number == self.options.rounds
            if last or number % self.options.check_every == 0:
                lost += self._check(since)
                kept += since
                since = []
                self._say(number, kept, lost, client, activated, time.monotonic() - begun)
            if last:
                break
        lost += self._check(kept)  # once more, all of them: nothing went missing later
        self._say(number, kept, lost, client, activated, time.monotonic() - begun, final=True)
        return lost

    def _hurt(self) -> None:
        time.sleep(self.draw.uniform(0, self.options.longest_pause))
        name = self.draw.choice(sorted(self.victims))
        self.victims[name](self.draw)
        self.kills[name] = self.kills.get(name, 0) + 1

    def _check(self, acknowledged: list[load.Acknowledged]) -> list[str]:
        lost = checks.wait_until_final(acknowledged, seconds=self.options.final_seconds)
        lost += checks.check_uploads(acknowledged)
        lost += checks.check_lists(acknowledged)
        return [*lost, *checks.check_models(), *checks.check_trail()]

    def _say(
        self,
        number: int,
        kept: list[load.Acknowledged],
        lost: list[str],
        client: load.Client,
        activated: int,
        seconds: float,
        *,
        final: bool = False,
    ) -> None:
        line = {
            "servers": self.options.servers,
            "seed": self.options.seed,
            "rounds": number,
            "final": final,
            "acknowledged": len(kept),
            "activations": activated,
            "repeats": client.repeats,
            "errors": client.errors,
            "kills": self.kills,
            "lost": lost,
            "seconds": round(seconds),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
