"""What Lot remembers, in SQLite or PostgreSQL: tables, transactions, migrations and encryption at rest."""
