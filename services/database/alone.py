"""One worker for one database: a file lock guards a data folder, but a server may be named by two of them."""

from sqlalchemy import Connection, Engine, text

# Beside the lock of the writers, among the advisory locks of a PostgreSQL database.
WORKER_LOCK = 7_411_603


class Alone:
    """The right to work on a database, for as long as this process and its connection live."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.connection: Connection | None = None

    def held(self) -> bool:
        """Take it, or see that it is still ours; False while another one has it. Raises PlatformError for a server that is away."""
        if self.engine.dialect.name == "sqlite":
            return True
        if self.connection is not None and not self.connection.invalidated:
            self.connection.execute(text("SELECT 1"))
            return True
        connection = self.engine.connect()
        if not connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": WORKER_LOCK}).scalar():
            connection.close()
            return False
        self.connection = connection
        return True

    def release(self) -> None:
        if self.connection is not None:
            self.connection.invalidate()  # what goes back to the pool would keep the lock
            self.connection.close()
            self.connection = None
