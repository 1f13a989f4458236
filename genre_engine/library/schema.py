"""The tables of a library's index, and how those of earlier versions become today's.

`PRAGMA user_version` counts the migrations that were applied. A migration is never changed once it
was published: another is added.

    songs       one row a file; `sound` names what it sounds like
    sounds      one row a sound: what the networks made of it, so that a file that was moved or got
                other tags isn't analysed again
    decisions   one row a sound: what the user said of its genres
    roots       the folders that are scanned
    settings    of this library, by name
"""

import sqlite3

from genre_engine.errors import LibraryError

MIGRATIONS = (
    """
    CREATE TABLE songs (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        root TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sound TEXT,
        title TEXT,
        artist TEXT,
        album TEXT,
        file_genres TEXT NOT NULL DEFAULT '[]',
        missing INTEGER NOT NULL DEFAULT 0,
        error_type TEXT,
        error TEXT
    );
    CREATE INDEX songs_by_sound ON songs (sound);
    CREATE TABLE sounds (
        sound TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        networks TEXT NOT NULL,
        duration_s REAL,
        wide BLOB,
        ten BLOB,
        detected TEXT NOT NULL DEFAULT '[]',
        embedding BLOB,
        warnings TEXT NOT NULL DEFAULT '[]',
        bpm REAL,
        bpm_sure REAL,
        key TEXT,
        key_sure REAL
    );
    CREATE TABLE decisions (
        sound TEXT PRIMARY KEY,
        decision TEXT NOT NULL,
        genres TEXT NOT NULL DEFAULT '[]',
        time REAL NOT NULL
    );
    CREATE TABLE roots (path TEXT PRIMARY KEY);
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an index to this version's tables; each migration whole or not at all.

    Raises:
        LibraryError: a later version made it.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise LibraryError(
            "A later version of Genre Studio made this library. Use that version, or scan the "
            "folders again under another name."
        )
    for number in range(version, len(MIGRATIONS)):
        # Another process may have been quicker: the version is looked at again under the lock.
        connection.executescript("BEGIN IMMEDIATE")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] == number:
                for statement in MIGRATIONS[number].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
