"""What an export can be; apart from the rest, since every command line has to know these words."""

from enum import StrEnum


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
