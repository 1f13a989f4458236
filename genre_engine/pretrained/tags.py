"""The tags that the networks were trained on, in the order of their outputs, and their frequency.

`data/prior_logits.csv` holds the mean logit that a tag has where nothing is known of the music.
Those of MSD and MTT come from the musicnn pair: what its last layers give when the last batch
norm's input is at its training mean. Those of MTG-Jamendo's genres are the logit of the share of
its 55,215 tracks (autotagging_genre.tsv) that carry them; its other tags have none.
"""

import csv
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

MSD = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
    *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists"),
    *("classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill"),
    *("instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
    *("experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country"),
    *("easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock"),
    *("60s", "rnb", "indie pop", "sad", "House", "happy"),
)
MTT = (
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast"),
    *("piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male"),
    *("singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman"),
    *("male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir"),
    *("voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello"),
    *("no voice", "weird", "country", "metal", "female voice", "choral"),
)
# MTG-Jamendo's 50 most frequent tags, sorted by category: genre, instrument, mood/theme.
MTG_JAMENDO_GENRES = (
    *("alternative", "ambient", "atmospheric", "chillout", "classical", "dance", "downtempo"),
    *("easylistening", "electronic", "experimental", "folk", "funk", "hiphop", "house", "indie"),
    *("instrumentalpop", "jazz", "lounge", "metal", "newage", "orchestral", "pop", "popfolk"),
    *("poprock", "reggae", "rock", "soundtrack", "techno", "trance", "triphop", "world"),
)
MTG_JAMENDO_INSTRUMENTS = (
    *("acousticguitar", "bass", "computer", "drummachine", "drums", "electricguitar"),
    *("electricpiano", "guitar", "keyboard", "piano", "strings", "synthesizer", "violin", "voice"),
)
MTG_JAMENDO_MOODS = ("emotional", "energetic", "film", "happy", "relaxing")
MTG_JAMENDO = (*MTG_JAMENDO_GENRES, *MTG_JAMENDO_INSTRUMENTS, *MTG_JAMENDO_MOODS)

VOCABULARIES = {"MTG-Jamendo": MTG_JAMENDO, "MSD": MSD, "MTT": MTT}


@cache
def prior_logits(vocabulary: str) -> NDArray[np.float64]:
    """The mean logit of each tag of a vocabulary, `[50]`; 0 where it isn't known.

    >>> bool(prior_logits("MSD")[MSD.index("rock")] > prior_logits("MSD")[MSD.index("House")])
    True
    """
    tags = VOCABULARIES[vocabulary]
    found = np.zeros(len(tags))
    table = resources.files("genre_engine.pretrained") / "data" / "prior_logits.csv"
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["vocabulary"] == vocabulary:
                found[tags.index(row["tag"])] = float(row["logit"])
    found.flags.writeable = False
    return found
