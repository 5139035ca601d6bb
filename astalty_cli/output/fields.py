"""Columns as data. A column is a path into the API's own row, a heading, and how people read it."""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """How a value is shown to people; machines always get it as the API gave it."""

    TEXT = "text"
    ID = "id"
    TIME = "time"
    STATUS = "status"  # of a key, or of a check
    ACCESS = "access"  # the level of a key
    SEVERITY = "severity"  # of a finding
    HTTP_STATUS = "http status"
    METHOD = "method"
    MILLISECONDS = "milliseconds"
    NAME = "name"
    PATH = "path"
    HOUR = "hour"  # that begins then
    DAY = "day"
    COUNT = "count"
    PERCENT = "percent"  # of a share from 0 to 1, of what should not be
    BAR = "bar"  # as long as the number is large
    DURATION = "duration"  # in milliseconds, rounded


class Field(NamedTuple):
    """`path` is dotted (`created_by.email`) and is the name in machine formats.

    `short` lets a table shorten an id. `spare` lets a narrow table leave the column out. `least` is what
    a text needs to say anything, in columns. What is too long is cut, or, if it `wraps`, continues below.
    `empty` is what people read for null. `full` is the number that makes a whole bar.
    """

    path: str
    heading: str
    kind: Kind = Kind.TEXT
    short: bool = False
    spare: bool = False
    least: int = 14
    wraps: bool = False
    empty: str = "–"
    full: float = 1.0
