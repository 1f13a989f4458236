"""Everything that can go wrong for a user, as one small tree.

    GenreEngineError
    ├── AudioError              one audio file can't be used; others can
    │   ├── FileMissing         no such file or folder
    │   ├── FileUnreadable      there, but not ours to read (permission, not a file)
    │   ├── NotAudio            empty, or nothing that a decoder knows
    │   ├── DecoderMissing      needs ffmpeg, which isn't installed
    │   ├── BadSamples          NaN or infinite samples
    │   ├── TooShort            under 0.1 s
    │   ├── TooLong             over the limit of length or size
    │   ├── TagsError           its tags can't be read or written
    │   └── SilentAudio         digital silence or mere noise
    ├── WeightsError            the pretrained weights can't be fetched or are damaged
    ├── DatasetError            a data set can't be read, made or used
    │   └── BadTable            a table's content, with file and row
    ├── SplitError              a split that can't be made from these tracks
    ├── FeaturesError           features that can't be made, read or used
    │   └── FeaturesMissing     none of this kind, or not for all tracks: extract them
    │       └── FeaturesDiffer  there are some of this kind, made with other parameters
    ├── ExtractionRunning       another process is extracting into the same store
    ├── ModelError              a model can't learn from this, be read, or be used on this
    ├── RunError                a run's folder can't be read, or is in no state for what was asked
    ├── JobError                long work that isn't there, or is in no state for what was asked
    ├── Refused                 a hosted server doesn't do this for its visitors
    ├── BundleError             a zip that isn't a run of ours, or may not be trusted
    ├── OverBudget              something from outside takes more than it may
    ├── LibraryError            a library's index can't be read, or what was asked can't be done now
    ├── DownloadError           a file can't be fetched
    ├── StorageError            the workspace can't be written (full disk, permission)
    └── WrongUsage              a name or an option that doesn't exist
        ├── DatasetMissing      no data set of that name
        ├── DatasetExists       the name is taken
        ├── LibraryMissing      no library of that name
        ├── LibraryExists       the name is taken
        ├── RunMissing          no run of that id or name
        ├── RunExists           the name is taken
        └── BadSetting          a setting that doesn't exist or is out of bounds

Every message is a sentence in plain words that says what to do next. An AudioError never names the
file: who reports it knows under which name the user gave it. A BadTable names file and row, for
only its reader knows the row.
"""


class GenreEngineError(Exception):
    """Base of all errors that are meant to be read by a user."""


class AudioError(GenreEngineError):
    """One audio file can't be used."""


class FileMissing(AudioError):
    """No such file or folder."""


class FileUnreadable(AudioError):
    """The file is there, but can't be opened."""


class NotAudio(AudioError):
    """The content is no audio that a decoder here understands."""


class DecoderMissing(AudioError):
    """The content needs ffmpeg, which isn't installed."""


class BadSamples(AudioError):
    """Some samples are not finite numbers."""


class TooShort(AudioError):
    """There is less audio than anything can be said about."""


class TooLong(AudioError):
    """The file is over the limit of length or size."""


class TagsError(AudioError):
    """The tags of the file can't be read or written."""


class SilentAudio(AudioError):
    """There is nothing to hear: digital silence, or mere noise."""


class WeightsError(GenreEngineError):
    """The pretrained weights can't be fetched or are damaged."""


class DatasetError(GenreEngineError):
    """A data set can't be read, made or used."""


class BadTable(DatasetError):
    """A table's content can't be used; the message names file and row."""

    def __init__(self, file: str, problem: str, *, row: int | None = None) -> None:
        place = file if row is None else f"{file}, row {row}"
        super().__init__(f"{place}: {problem}")
        self.file = file
        self.row = row


class SplitError(GenreEngineError):
    """A split can't be made from these tracks."""


class FeaturesError(GenreEngineError):
    """Features can't be made, read or used."""


class FeaturesMissing(FeaturesError):
    """There are no features of this kind, or not for all tracks that need them."""


class FeaturesDiffer(FeaturesMissing):
    """There are features of this kind, but they were made with other parameters."""


class ExtractionRunning(GenreEngineError):
    """Another process is extracting into the same store."""


class ModelError(GenreEngineError):
    """A model can't learn from this, can't be read, or can't be used on this."""


class RunError(GenreEngineError):
    """A run's folder can't be read, or the run is in no state for what was asked."""


class JobError(GenreEngineError):
    """Long work that isn't there, or that is in no state for what was asked."""


class Refused(GenreEngineError):
    """A server that visitors share doesn't do this for them."""


class BundleError(GenreEngineError):
    """A zip that isn't a run of ours, or that may not be trusted."""


class OverBudget(GenreEngineError):
    """Something from outside takes more memory, time or room than it may."""


class LibraryError(GenreEngineError):
    """A library's index can't be read, or what was asked can't be done at this moment."""


class DownloadError(GenreEngineError):
    """A file can't be fetched."""


class StorageError(GenreEngineError):
    """The workspace can't be written."""


class WrongUsage(GenreEngineError):
    """A name or an option that doesn't exist."""


class DatasetMissing(WrongUsage):
    """There is no data set of that name."""


class DatasetExists(WrongUsage):
    """The name is taken by another data set."""


class LibraryMissing(WrongUsage):
    """There is no library of that name."""


class LibraryExists(WrongUsage):
    """The name is taken by another library."""


class RunMissing(WrongUsage):
    """There is no run of that id or name."""


class RunExists(WrongUsage):
    """The name is taken by another run."""


class BadSetting(WrongUsage):
    """A setting that doesn't exist or is out of bounds."""
