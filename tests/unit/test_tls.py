"""What is said of a connection that TLS has failed on."""

import pytest

from astalty_cli.api import tls


@pytest.mark.parametrize(
    ("said", "words", "no_tls"),
    [
        ("_ssl.c:989: The handshake operation timed out", "The handshake operation timed out", True),
        (
            "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
            "[SSL: WRONG_VERSION_NUMBER] wrong version number",
            True,
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:1006)",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired",
            False,
        ),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused", False),
    ],
)
def test_a_failure_is_told_without_a_line_of_c(said: str, words: str, *, no_tls: bool) -> None:
    assert (tls.in_words(said), tls.is_no_tls(words)) == (words, no_tls)
