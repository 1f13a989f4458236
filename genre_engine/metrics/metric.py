"""Every figure of a report, declared once: its name, what it means, and whether more is better."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure over all genres.

    Attributes:
        name: its path in a report.
        explanation: a sentence for whoever meets it for the first time.
    """

    name: str
    label: str
    explanation: str
    higher_is_better: bool = True


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "loss",
            "Loss",
            "How surprised the model is by the truth; 0 is perfect, being sure and wrong costs "
            "most.",
            higher_is_better=False,
        ),
        Metric(
            "accuracy.subset",
            "Subset accuracy",
            "Share of tracks with every genre right and none too many.",
        ),
        Metric(
            "accuracy.labelwise",
            "Label-wise accuracy",
            "Share of all yes-or-no answers that are right. Most are no, so a model that predicts "
            "nothing scores high too.",
        ),
        Metric(
            "accuracy.top1",
            "Top-1 accuracy",
            "Share of tracks whose highest-scored genre is among the true ones.",
        ),
        Metric(
            "hamming_loss",
            "Hamming loss",
            "Share of all yes-or-no answers that are wrong.",
            higher_is_better=False,
        ),
        Metric(
            "precision.micro",
            "Micro precision",
            "Of all predicted labels, the share that is true.",
        ),
        Metric(
            "precision.macro",
            "Macro precision",
            "Precision of each genre, then the mean.",
        ),
        Metric(
            "recall.micro",
            "Micro recall",
            "Of all true labels, the share that was predicted.",
        ),
        Metric(
            "recall.macro",
            "Macro recall",
            "Recall of each genre, then the mean.",
        ),
        Metric(
            "f1.micro",
            "Micro F1",
            "Precision and recall in one number, every label counted alike.",
        ),
        Metric(
            "f1.macro",
            "Macro F1",
            "F1 of each genre, then the mean: a rare genre counts as much as a common one.",
        ),
        Metric(
            "roc_auc.micro",
            "Micro ROC AUC",
            "How often a true label scores above a false one, genres mixed: knowing which genres "
            "are common is enough for much of it.",
        ),
        Metric(
            "roc_auc.macro",
            "Macro ROC AUC",
            "How often a true label of a genre scores above a false one, then the mean over "
            "genres; 0.5 is chance.",
        ),
        Metric(
            "average_precision.micro",
            "Micro average precision",
            "Precision, averaged over all thresholds, genres mixed.",
        ),
        Metric(
            "average_precision.macro",
            "Macro average precision",
            "Precision of each genre averaged over all thresholds, then the mean; chance reaches "
            "the genre's share.",
        ),
    )
}

# Of a single genre.
GENRE_METRICS: Mapping[str, str] = {
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
}
