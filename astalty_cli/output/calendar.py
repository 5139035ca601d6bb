"""Dates as a file that calendars import (iCalendar, RFC 5545)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from astalty_cli.base.hiding import hide
from astalty_cli.base.times import in_utc
from astalty_cli.output.safe import visible

BEGINNING = b"BEGIN:VCALENDAR"
_LASTS = timedelta(minutes=30)  # so that a calendar has something to show


class CalendarEvent(NamedTuple):
    """Something to do at a time, with an alarm `notice` before it. Importing its `uid` again updates it."""

    uid: str
    at: datetime
    summary: str
    description: str
    notice: timedelta = timedelta()


def calendar_file(events: Iterable[CalendarEvent], now: datetime) -> bytes:
    """The events as an iCalendar file. No text can add a line to it: controls are spelled out."""
    from icalendar import Alarm, Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//astalty-cli//keys audit//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for each in events:
        summary, description = _shown(each.summary), _shown(each.description)
        event = Event()
        event.add("uid", each.uid)
        event.add("dtstamp", in_utc(now))
        event.add("dtstart", in_utc(each.at))
        event.add("duration", _LASTS)
        event.add("summary", summary)
        event.add("description", description)
        event.add("transp", "TRANSPARENT")
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", -each.notice)
        event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _shown(text: str) -> str:
    return visible(hide(text))
