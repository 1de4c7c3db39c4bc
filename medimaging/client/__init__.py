"""A client of the REST interface: typed, on httpx alone, with nothing of the site behind it.

    from medimaging.client import Client

    with Client("https://reading.example.org", token="mi_...") as client:
        upload = client.upload(Path("radiograph.dcm"))
        analysis = client.wait(upload.analysis_id)
        for finding in analysis.findings:
            print(finding.condition, finding.probability, finding.suggested)

`python -m medimaging.client --help` does the same from a shell.
"""

from medimaging.client.client import Client
from medimaging.client.errors import ClientError, Problem, TimedOut
from medimaging.client.types import Analysis, Finding, Page, Review, TrainingRun, Upload

__all__ = [
    "Analysis",
    "Client",
    "ClientError",
    "Finding",
    "Page",
    "Problem",
    "Review",
    "TimedOut",
    "TrainingRun",
    "Upload",
]
