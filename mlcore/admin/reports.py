"""Tables of the administration pages about what the gate found and what a version changed."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join

from mlcore.admin.columns import EMPTY, figures, rounded

MEASURED = ("auroc", "sensitivity", "specificity", "ece", "operating_point", "withheld")


def criteria_table(criteria: Iterable[Mapping[str, Any]]) -> str:
    """Return each criterion with what was measured, its limit, and why it is or is not met."""
    rows = (
        (
            one["name"],
            "passed" if one["passed"] else "NOT PASSED",
            rounded(one["measured"]),
            rounded(one["limit"]),
            one["reason"],
        )
        for one in criteria
    )
    return _table(("Criterion", "Verdict", "Measured", "Limit", "Reason"), rows)


def before_and_after(by_condition: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the figures of incumbent and candidate for each condition."""
    rows = [
        (
            code,
            name.replace("_", " "),
            rounded(_of(found, "incumbent", name)),
            rounded(_of(found, "candidate", name)),
        )
        for code, found in by_condition.items()
        for name in MEASURED
    ]
    return _table(("Condition", "Figure", "Before", "After"), rows)


def change_report_table(report: Mapping[str, Any]) -> str:
    """Return a change report: what changed, which data, before and after, who approved it."""
    gate, decision = report["gate"], report["decision"]
    parts = [
        ("Changed", figures({k: _plain(v) for k, v in report["changed"].items()})),
        ("Data", _datasets(report["datasets"])),
        ("Change control plan", _plan(report["plan"])),
        ("Before and after", before_and_after(gate["by_condition"]) if gate else EMPTY),
        (
            "Gate",
            criteria_table(gate["criteria"]) if gate else "This version was never measured at the gate.",
        ),
        ("Decision", _decision(decision)),
    ]
    return format_html_join("", "<h4>{}</h4><div>{}</div>", parts)


def progress_line(progress: Mapping[str, Any]) -> str:
    """Return where a training stands, in one line."""
    if not progress:
        return EMPTY
    known = [
        f"epoch {progress['epoch']} of {progress['epochs']}, step {progress['step']} of {progress['steps']}"
    ]
    known += [
        f"{name.replace('_', ' ')} {rounded(progress[name])}"
        for name in ("loss", "auroc", "seconds_left")
        if progress.get(name) is not None
    ]
    return ", ".join(known)


def _datasets(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return "Made elsewhere; the data it learned from is not known here."
    before = data["before"]["number"] if data["before"] else "unknown"
    return (
        f"Dataset {before} to dataset {data['after']['number']} ({data['after']['item_count']} images): "
        f"{data['added']} added, {data['removed']} removed, {data['relabeled']} relabeled."
    )


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return "It was measured under none."
    by = plan["adopted_by"] or "the software"
    covered = ", ".join(str(row["change"]).replace("_", " ") for row in plan["changes"])
    return f"Plan {plan['number']}, adopted by {by} at {plan['adopted_at']}, covers: {covered}."


def _decision(decision: Mapping[str, Any] | None) -> str:
    if decision is None:
        return "Nobody has decided yet."
    by = "the system by itself" if decision["automatic"] else decision["by"]
    return f"Approved by {by} at {decision['at']}: {decision['reason']}"


def _of(found: Mapping[str, Mapping[str, Any]], model: str, name: str) -> Any:
    return found.get(model, {}).get(name)


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _table(head: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    names = format_html_join("", "<th>{}</th>", ((name,) for name in head))
    lines = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", names, lines)
