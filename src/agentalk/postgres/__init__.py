"""PostgreSQL for those who have none: a server of our own in a data folder, and backups of any.

Nothing here imports a database driver: PostgreSQL's own programs are run instead.
"""

from agentalk.postgres.backup import dump, restore
from agentalk.postgres.embedded import EmbeddedPostgres, running_dsn, use
from agentalk.postgres.errors import PostgresError
from agentalk.postgres.folder import default_data_dir

__all__ = ["EmbeddedPostgres", "PostgresError", "default_data_dir", "dump", "restore", "running_dsn", "use"]
