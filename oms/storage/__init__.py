"""The only room that speaks SQL: tables, migrations and compiled statements."""
