#!/bin/sh
# setup-schema.sh: the schema job: brings Temporal's two databases to the version of this image, every time it runs.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal_db_password)
export SQL_PASSWORD

update() { # update DATABASE SCHEMA
  set -- "$1" "/etc/temporal/schema/postgresql/v12/$2/versioned"
  tool="temporal-sql-tool --plugin postgres12 --ep postgresql --port 5432 --user temporal --db $1"
  $tool setup-schema -v 0.0
  $tool update-schema -d "$2"
}

update temporal temporal
update temporal_visibility visibility
