"""Suspend one administrator by another: python -m tests.accounts.suspend_each_other BY TARGET START_TIME."""

import sys
import time

import django

django.setup()

from accounts.models import User  # noqa: E402
from accounts.services import users  # noqa: E402
from medimaging.common.errors import ApplicationError  # noqa: E402

by, target = (User.objects.get(email=email) for email in sys.argv[1:3])
time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
try:
    users.suspend_user(target, by=by, reason="race")
except ApplicationError as error:
    print(error.code)
else:
    print("done")
