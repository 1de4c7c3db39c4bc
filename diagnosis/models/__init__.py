"""Studies and what is said of them."""

from diagnosis.models.analysis import Analysis, AnalysisState, Finding, SimilarInstance
from diagnosis.models.box import FindingBox
from diagnosis.models.condition import Condition, ConditionState
from diagnosis.models.erasure import Erasure, ErasureState
from diagnosis.models.explanation import Explanation, ExplanationMethod, ExplanationState
from diagnosis.models.export import Export, ExportFormat, ExportKind, ExportState
from diagnosis.models.partial_upload import PartialUpload
from diagnosis.models.review import DisagreementReason, Review, ReviewFinding, ReviewState, Verdict
from diagnosis.models.study import Instance, Patient, Series, Sex, Study
from diagnosis.models.upload import Upload, UploadSource, UploadState
from diagnosis.models.worklist import Assignment, Claim, SavedFilter

__all__ = [
    "Analysis",
    "AnalysisState",
    "Assignment",
    "Claim",
    "Condition",
    "ConditionState",
    "DisagreementReason",
    "Erasure",
    "ErasureState",
    "Explanation",
    "ExplanationMethod",
    "ExplanationState",
    "Export",
    "ExportFormat",
    "ExportKind",
    "ExportState",
    "Finding",
    "FindingBox",
    "Instance",
    "PartialUpload",
    "Patient",
    "Review",
    "ReviewFinding",
    "ReviewState",
    "SavedFilter",
    "Series",
    "Sex",
    "SimilarInstance",
    "Study",
    "Upload",
    "UploadSource",
    "UploadState",
    "Verdict",
]
