"""What a user can do wrong: each error is one sentence that the command line prints as it is."""


class TumorScopeError(Exception):
    """Says what was expected, what came and what to do; never shown with a traceback."""


class SettingError(TumorScopeError):
    """A setting is outside its limits."""


class DatasetError(TumorScopeError):
    """A folder of slices cannot be used as a data set."""


class PhantomError(TumorScopeError):
    """Phantoms cannot be written where they were asked for."""


class LeakError(TumorScopeError):
    """Slices, or copies of them, would test a network that has learned from them."""


class ExportError(TumorScopeError):
    """The exported network does not compute what the trained one does."""


class TrackingError(TumorScopeError):
    """MLflow cannot be reached, or a run in it does not fit the command."""


class RegistryError(TumorScopeError):
    """The model registry holds nothing that the command can act on."""


class ScoringError(TumorScopeError):
    """Images cannot be listed or answers cannot be written where they were asked for."""


class ServerError(TumorScopeError):
    """A scoring server gives no answer, or none that can be read."""


class StoppedError(TumorScopeError):
    """The user or the system asked the program to stop."""
