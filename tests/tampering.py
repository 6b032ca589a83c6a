"""What only a tamperer does: changing lines of the audit log behind its guard."""

from sqlalchemy import Connection


def unguard(connection: Connection) -> None:
    """Take away what refuses changes of the audit log."""
    place = " ON event" if connection.dialect.name == "postgresql" else ""
    for action in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER event_is_append_only_{action}{place}")
