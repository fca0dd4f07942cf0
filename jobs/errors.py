"""One tree of errors. Each says what was attempted, what was found, what to do next, and whether trying again helps.

Knows nothing of terminals, HTTP or exit codes; those map from here.
"""

from __future__ import annotations


class FarmError(Exception):
    """Something the farm could not do; `hint` is the next step for a person, `retryable` whether trying again can help."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "", retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable

    @property
    def reason(self) -> str:
        """The class's name: one word for a status condition."""
        return type(self).__name__


class ManifestInvalid(FarmError):
    """A manifest says something that the farm cannot accept."""


class NotFound(FarmError):
    """A thing that was named does not exist."""


class Conflict(FarmError):
    """Somebody else changed it first."""


class NotApproved(FarmError):
    """No approved version serves, and one is needed."""


class Unauthorized(FarmError):
    """The token is missing or wrong."""


class Forbidden(FarmError):
    """Who asks is known, and may not do that."""


class HeadLost(FarmError):
    """Ray's head that this process had joined is no more; only a new process can join another."""

    retryable = True


class StoreError(FarmError):
    """The store did something that was not asked of it."""


class StoreAddressInvalid(StoreError):
    """A text that should name a store names none."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, or answers with its own failure."""

    retryable = True


class StoreUnsound(StoreError):
    """The store does not keep what the farm is built on."""


class KeyNotFound(StoreError):
    """Nothing stands under that key."""


class Corrupt(StoreError):
    """The bytes under a digest are not the bytes the digest names."""


class DatasetInvalid(FarmError):
    """A dataset cannot be trained on: too few pictures, or captions without the trigger."""


class SourceUnreadable(FarmError):
    """A dataset's source cannot be listed or read."""


class BaseUnknown(FarmError):
    """The catalogue has no base model of that name or digest."""


class BaseRefused(FarmError):
    """A base model that may not be kept: pickles, a moving branch, names that leave the folder, weights that are none."""


class LicenceForbids(FarmError):
    """A base's licence forbids commercial use, and the manifest does not say that it is accepted."""


class NoRoomOnDisk(FarmError):
    """A disk of this machine has no room for what should be written to it."""

    retryable = True


class RecipeInvalid(FarmError):
    """A recipe asks for something that cannot be trained or drawn."""


class Diverged(FarmError):
    """A training's loss became not a number; that project stops alone."""


class ExportMismatch(FarmError):
    """An exported adapter, loaded back, is not the adapter that was trained."""


class OutOfMemory(FarmError):
    """The device has no room for this job now."""

    retryable = True


class WorkerLost(FarmError):
    """A worker went away while it held a lease."""

    retryable = True


class WorkerDied(WorkerLost):
    """A worker's process is known to be dead: what it held need not wait until its lease runs out."""


class DispatcherUnavailable(FarmError):
    """The dispatcher does not answer."""

    retryable = True


class ApiServerUnavailable(FarmError):
    """The Kubernetes API server cannot be reached, is overrun, or answers with its own failure."""

    retryable = True


class ContextUnknown(FarmError):
    """No kubeconfig names the cluster that was asked for."""


class LeadershipLost(FarmError):
    """Another controller may be in charge by now; this process must end."""


class StaleEpoch(FarmError):
    """An order came from a dispatcher that is no longer in charge."""


class StaleTerm(FarmError):
    """A wanted set came from a controller that no longer leads."""


class FarmBusy(FarmError):
    """Another farm holds this home."""


class FarmDown(FarmError):
    """No farm runs in this home."""


class Timeout(FarmError):
    """What was waited for did not happen in time."""

    retryable = True
