"""What an S3 server refuses for now may be tried again, and says what a person can do; what it refuses for good may not."""

from __future__ import annotations

import pytest

from cluster import s3_errors

FOR_NOW = {
    "a full server": (507, "XMinioStorageFull", "free space"),
    "a full server behind a gateway": (507, "", "free space"),
    "a full bucket": (400, "XMinioAdminBucketQuotaExceeded", "free space"),
    "a busy server": (503, "SlowDownWrite", "more to do than it can"),
    "a server that starts": (503, "XMinioServerNotInitialized", "more to do than it can"),
    "a gateway without a server": (502, "", "Is MinIO running"),
    "a lost race of two writers": (409, "ConditionalRequestConflict", "Is MinIO running"),
}
FOR_GOOD = {
    "wrong credentials": (403, "SignatureDoesNotMatch", "secret key"),
    "a clock that is wrong": (403, "RequestTimeTooSkewed", "clocks"),
    "no bucket": (404, "NoSuchBucket", "bucket is gone"),
}


@pytest.mark.parametrize(("status", "code", "hint"), FOR_NOW.values(), ids=FOR_NOW)
def test_what_is_refused_for_now_may_be_tried_again(status: int, code: str, hint: str) -> None:
    error = s3_errors.explained("writing a", "http://store", status=status, code=code, words="")
    assert (error.retryable, hint in error.hint) == (True, True)


@pytest.mark.parametrize(("status", "code", "hint"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_what_is_refused_for_good_may_not(status: int, code: str, hint: str) -> None:
    error = s3_errors.explained("writing a", "http://store", status=status, code=code, words="")
    assert (error.retryable, hint in error.hint) == (False, True)
