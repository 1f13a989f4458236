"""Glossary: what the words on the other pages mean, in a sentence or two each."""

import streamlit as st

from pages.components.shared import navigation

TERMS = {
    "Listening": {
        "Genre over time": (
            "The song is cut into windows of some seconds; each is scored by itself. The "
            "strip shows them along the song's length."
        ),
        "Match": (
            "How strongly networks detect a genre, from 0 to 100, compared with how often "
            "they met it in training. It is not a probability."
        ),
        "Probability": (
            "How likely a model holds a genre to be. It comes true as often as it says only "
            "where it is calibrated, and only for music like that of the training."
        ),
        "Threshold": (
            "The probability from which on a genre counts as a yes. A lower one finds more "
            "and is wrong more often."
        ),
        "Window": "A piece of a song that is scored by itself, 3 to 29 seconds long.",
    },
    "Data": {
        "Artist split": (
            "Train, validation and test share no artist. Songs of one artist resemble each "
            "other, so a model is judged on artists that it has never met."
        ),
        "Embedding": (
            "Numbers that a trained network computes on its way to an answer. They say how "
            "music sounds, and a small model can learn from them."
        ),
        "Features": (
            "Numbers that describe the sound of a track: timbre (MFCC, mel), harmony "
            "(chroma, tonnetz), each as mean, minimum and maximum: 498 in all."
        ),
        "Leak": (
            "Something in test that was known in training, such as the artist. Scores on a "
            "split that leaks are too good."
        ),
        "Multi-label": "A track may carry several genres, or one only (multi-class).",
        "Train, validation, test": (
            "What a model learns from; what early stopping, thresholds and calibration are "
            "chosen on; what is looked at last, and as seldom as possible."
        ),
    },
    "Training": {
        "Dropout": (
            "During training a share of a network's values is left out at random, so that "
            "it doesn't learn its tracks by heart."
        ),
        "Early stopping": (
            "A training ends when validation hasn't got better for as many epochs as its "
            "patience says; the best epoch is kept."
        ),
        "Epoch": "One pass over all tracks of train.",
        "Loss": (
            "What a training makes smaller: how surprised the model is by the true genres. "
            "Cross-entropy, without weights."
        ),
    },
    "Judging": {
        "Accuracy": (
            "The share of right answers. Three kinds: the first guess is a true genre; each "
            "yes or no of each genre; all genres of a track right at once."
        ),
        "Artist prior": (
            "A predictor that knows the artist and never listens. A model below it has "
            "shown nothing."
        ),
        "AUC": (
            "How often a track of a genre is ranked above one without it: 0.5 is chance, 1 "
            "is perfect."
        ),
        "Average precision": (
            "The area under the precision-recall curve. Chance is the genre's share of the tracks."
        ),
        "Calibration": "Whether a probability of 0.7 comes true seven times in ten.",
        "Confusion": "What was predicted for the tracks of each true genre.",
        "F1": "The harmonic mean of precision and recall: high only where both are.",
        "Interval": (
            "Where the figure would lie had other artists been in the part, in 95 of 100 "
            "cases. From fewer than eight artists none is given."
        ),
        "Importance": (
            "What a score loses when a group of features is shuffled among the tracks, so that it "
            "says nothing of them. Groups that carry the same stand in for each other."
        ),
        "Learning curve": (
            "A score against the number of tracks that a model learnt from. Where it still rises, "
            "more songs would help."
        ),
        "Macro and micro": (
            "Macro takes the mean over genres, so a rare one counts as much as a common "
            "one; micro counts all labels alike."
        ),
        "No-skill": (
            "The best that can be scored without listening: always yes, always no, the most "
            "common genre, or at random."
        ),
        "Precision and recall": (
            "Of what was predicted, the share that is right; of what is true, the share "
            "that was predicted."
        ),
        "Seed": (
            "The number that chance starts from in a training: first weights, the order of "
            "tracks and, unless the split is the data set's own, the split. Another seed gives "
            "another score; several show how much of a difference is chance."
        ),
        "Standard deviation": (
            "How far scores lie from their mean, as a rule: ± 0.02 over seeds means that a "
            "difference of 0.01 says little."
        ),
    },
}


def main() -> None:
    st.title("What the words mean", anchor=False)
    wanted = st.text_input("Find a word", placeholder="For example: recall", key="glossary-find")
    found = 0
    for chapter, terms in TERMS.items():
        shown = {
            term: text
            for term, text in terms.items()
            if wanted.strip().lower() in f"{term} {text}".lower()
        }
        if shown:
            st.header(chapter, anchor=False)
            st.markdown("\n\n".join(f"**{term}.** {text}" for term, text in shown.items()))
        found += len(shown)
    if not found:
        st.info(
            "No word here is like that. Clear the field to see them all.", icon=":material/search:"
        )


navigation.enter()
main()
