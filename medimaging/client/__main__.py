"""The client from a shell: `python -m medimaging.client upload radiograph.dcm`."""

import sys

from medimaging.client.cli import main

sys.exit(main())
