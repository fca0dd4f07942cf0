"""What an S3 server's refusals mean to the farm. Pure: an HTTP status, a code and words in, one of our errors out."""

from __future__ import annotations

from jobs.errors import KeyNotFound, StoreError, StoreUnavailable

_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "InvalidTokenId"}
_BUSY = {"SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "RequestTimeout", "ServerNotInitialized"}
_FULL = {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"}


def explained(said: str, origin: str, *, status: int, code: str, words: str) -> StoreError:
    """The error for a refusal; `said` is what was attempted and where, `origin` where the server listens."""
    message = f"{said}: {words or code or 'no reason given'} ({code or 'HTTP'} {status})"
    if code == "NoSuchKey":
        return KeyNotFound(message)
    if code == "NoSuchBucket":
        return StoreError(message, hint="The bucket is gone: make it again, or name another with --store.")
    if code in _CREDENTIALS:
        return StoreError(message, hint=f"Look at the access key and the secret key for {origin}.")
    if code == "AccessDenied":
        return StoreError(
            message, hint=f"These credentials are wrong, or lack the right: look at their policy at {origin}."
        )
    if code == "RequestTimeTooSkewed":
        return StoreError(message, hint=f"The clocks here and at {origin} differ: set them right.")
    if code in _FULL or status == 507:
        return StoreUnavailable(message, hint=f"The store's disks are full: free space at {origin}.")
    if code in _BUSY or code.removeprefix("XMinio") in _BUSY:
        return StoreUnavailable(message, hint=is_busy(origin))
    if status in (408, 409, 429) or status >= 500:
        return StoreUnavailable(message, hint=still_running(origin))
    return StoreError(message, hint=speaks_s3(origin))


def still_running(origin: str) -> str:
    """The next step where a server is silent or fails."""
    return f"Is MinIO running at {origin}? {origin}/minio/health/ready tells whether it is ready."


def is_busy(origin: str) -> str:
    """The next step where a server asks for less, as one does whose disks are slow, failing or just starting."""
    return f"The server at {origin} has more to do than it can: it is asked again. If that lasts, are its disks slow or failing?"


def speaks_s3(origin: str) -> str:
    """The next step where a server answers something that is not S3."""
    return f"Does an S3 server answer at {origin}? (MinIO's console listens on another port than its S3 door.)"
