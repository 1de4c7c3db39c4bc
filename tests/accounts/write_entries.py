"""Write audit entries, THREADS times ENTRIES at once; run as a process with both as arguments."""

import sys
from threading import Barrier, Thread

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import audit  # noqa: E402


def write(barrier: Barrier, *, user: User, entries: int) -> None:
    """Append `entries`, each in a transaction of its own."""
    barrier.wait()
    for number in range(entries):
        with transaction.atomic():
            audit.record("test.write", by=user, target=user, details={"number": number})
    connection.close()


def main(threads: int, entries: int) -> None:
    """Run the threads at once."""
    user = User.objects.get(email="writer@example.org")
    barrier = Barrier(threads)
    running = [
        Thread(target=write, args=(barrier,), kwargs={"user": user, "entries": entries})
        for _ in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


main(int(sys.argv[1]), int(sys.argv[2]))
