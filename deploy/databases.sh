#!/bin/sh
# Run once by the database's image, on an empty volume: one account and one database for each of the two servers.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=console="$CONSOLE_DATABASE_PASSWORD" --set=mlflow="$MLFLOW_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE signalbox LOGIN PASSWORD :'console';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow';
CREATE DATABASE signalbox OWNER signalbox;
CREATE DATABASE mlflow OWNER mlflow;
REVOKE CONNECT ON DATABASE signalbox, mlflow FROM PUBLIC;
SQL
