"""The columns of every list and the fields of every single thing, in the order in which they are shown."""

from astalty_cli.output.fields import Field, Kind

ACCESS = Field("access", "Access", Kind.ACCESS, empty="unknown")

KEYS = (
    Field("id", "ID", Kind.ID, short=True),
    Field("name", "Name", Kind.NAME),
    Field("last_four", "Ends in"),
    Field("status", "Status", Kind.STATUS),
    ACCESS,
    Field("created_at", "Created", Kind.TIME, spare=True),
    Field("last_used_at", "Last used", Kind.TIME, spare=True),
    Field("rotated_at", "Rotated", Kind.TIME, spare=True),
    Field("previous_expires_at", "Old until", Kind.TIME, spare=True),
    Field("last_used_ip", "From", spare=True),
)

KEY = (
    Field("id", "ID", Kind.ID),
    Field("name", "Name", Kind.NAME),
    Field("last_four", "Ends in"),
    Field("status", "Status", Kind.STATUS),
    ACCESS,
    Field("rotation", "Rotation"),
    Field("created_at", "Created", Kind.TIME),
    Field("created_by.name", "Created by"),
    Field("created_by.email", "Email"),
    Field("rotated_at", "Rotated", Kind.TIME),
    Field("previous_expires_at", "Old secret until", Kind.TIME),
    Field("last_used_at", "Last used", Kind.TIME),
    Field("last_used_ip", "From"),
    Field("revoked_at", "Revoked", Kind.TIME),
)

# What the service has no field for comes last; what only the record lacks is unknown, not absent.
RECORDED_KEYS = (
    *(
        field._replace(empty="unknown") if field.path in {"created_at", "last_used_at"} else field
        for field in KEYS
    ),
    Field("last_verified_at", "Verified", Kind.TIME, spare=True),
)

RECORDED_KEY = (
    *KEY,
    Field("last_verified_at", "Verified", Kind.TIME),
    Field("accepted", "Accepted"),
    Field("created", "Created is"),
    Field("owner", "Owner"),
    Field("purpose", "Purpose"),
    Field("page_name", "On the web page"),
    Field("destinations", "Destinations"),
    Field("ended_by", "Ended"),
    Field("previous_ended_by", "Old key ended"),
)

AUDIT = (
    Field("severity", "Severity", Kind.SEVERITY),
    Field("finding", "Finding"),
    Field("key_name", "Key", Kind.NAME),
    Field("key_id", "Key ID", Kind.ID, short=True, spare=True),
    Field("detail", "Detail", least=32, wraps=True),
)

DOCTOR = (
    Field("check", "Check", Kind.NAME),
    Field("status", "Status", Kind.STATUS),
    Field("found", "Found"),
    Field("hint", "What to do"),
    Field("exit_code", "Exit code"),
)

JOURNAL = (
    Field("id", "ID", Kind.ID, short=True),
    Field("operation", "Operation"),
    Field("name", "Key", Kind.NAME),
    Field("key_id", "Key ID", Kind.ID, short=True),
    Field("phase", "Phase"),
    Field("sinks", "Destinations", spare=True),
    Field("due_at", "Due", Kind.TIME, spare=True),
    Field("started_at", "Started", Kind.TIME, spare=True),
    Field("profile", "Profile", spare=True),
)

PLAN = (
    Field("method", "Method"),
    Field("url", "URL"),
    Field("authorization", "Authorization"),
    Field("body", "Body"),
)
CALL = (*PLAN, Field("headers", "Headers"))

REQUESTS = (
    Field("id", "ID", Kind.ID),
    Field("status", "Status", Kind.HTTP_STATUS, spare=True),
    Field("method", "Method", Kind.METHOD, spare=True),
    Field("path", "Path", Kind.PATH, spare=True),
    Field("created_at", "Time", Kind.TIME, spare=True),
    Field("ip_address", "IP address", spare=True),
    Field("user.name", "User", spare=True),
    Field("api_key.name", "Key", spare=True),
)

REQUEST = (
    Field("status", "Status", Kind.HTTP_STATUS),
    Field("id", "ID", Kind.ID),
    Field("created_at", "Time", Kind.TIME),
    Field("ip_address", "IP address"),
    Field("user.name", "User"),
    Field("user.id", "User ID", Kind.ID),
    Field("user.email", "Email"),
    Field("method", "Method"),
    Field("path", "Path"),
    Field("duration_ms", "Took", Kind.MILLISECONDS),
    Field("user_agent", "User agent"),
    Field("api_key.name", "Key"),
    Field("api_key.id", "Key ID", Kind.ID),
)

# What narrow tables leave out first comes last.
STATS = (
    Field("group", "Group", least=24),
    Field("requests", "Requests", Kind.COUNT),
    Field("share", "", Kind.BAR, spare=True),
    Field("error_rate", "Failed", Kind.PERCENT),
    Field("p50_ms", "P50", Kind.DURATION, spare=True),
    Field("p95_ms", "P95", Kind.DURATION, spare=True),
    Field("p99_ms", "P99", Kind.DURATION, spare=True),
    Field("errors", "Errors", Kind.COUNT, spare=True),
    Field("group_id", "ID", Kind.ID, short=True, spare=True),
)

EXPORTED = (
    *REQUESTS,
    Field("duration_ms", "Took", Kind.MILLISECONDS),
    Field("user_agent", "User agent"),
    Field("user.id", "User ID", Kind.ID),
    Field("user.email", "Email"),
    Field("api_key.id", "Key ID", Kind.ID),
)

MANIFEST = (
    Field("requests", "Requests"),
    Field("first_created_at", "First", Kind.TIME),
    Field("last_created_at", "Last", Kind.TIME),
    Field("format", "Format"),
    Field("bodies", "Bodies"),
    Field("origin", "Base URL"),
    Field("account_id", "Account ID", Kind.ID),
    Field("filters", "Filters"),
    Field("window", "Window"),
    Field("files", "Files"),
    Field("written_at", "Written", Kind.TIME),
)

EXCHANGE = (Field("headers", "Headers"), Field("body", "Body"), Field("truncated", "Cut"))

SIDES = (Field("request", "Request"), Field("response", "Response"))

MIRROR = (
    Field("added", "Added"),
    Field("removed", "Removed"),
    Field("requests", "Requests"),
    Field("oldest", "From", Kind.TIME),
    Field("newest", "To", Kind.TIME),
    Field("path", "File"),
)

ENDPOINTS = (
    Field("tag", "Tag"),
    Field("method", "Method", Kind.METHOD),
    Field("path", "Path", Kind.PATH),
    Field("summary", "Summary"),
)

ENDPOINT = (
    *ENDPOINTS,
    Field("description", "Description"),
    Field("operation_id", "Operation ID"),
    Field("deprecated", "Deprecated"),
    Field("operation", "Operation"),
    Field("request_example", "Request"),
    Field("response_example", "Response"),
    Field("astalty", "With astalty"),
    Field("curl", "With curl"),
    Field("source", "Source"),
)

STATUS = (
    Field("profile", "Profile", Kind.NAME),
    Field("profile_source", "  from"),
    Field("base_url", "Base URL"),
    Field("base_url_source", "  from"),
    Field("key_source", "Key from"),
    Field("key_name", "Key"),
    Field("key_id", "Key ID", Kind.ID),
    Field("last_four", "Ends in"),
    ACCESS,
    Field("account", "Account"),
    Field("works", "Works"),
)

PROFILES = (
    Field("name", "Profile", Kind.NAME),
    Field("base_url", "Base URL"),
    Field("storage", "Key in"),
    Field("last_four", "Ends in"),
    Field("account", "Account"),
)

SANDBOX = (
    Field("account", "Account"),
    Field("owner", "Owner"),
    Field("email", "Email"),
    Field("database", "Database"),
    Field("key_file", "Key file"),
    Field("base_url", "Base URL"),
    Field("key", "Key"),
)
