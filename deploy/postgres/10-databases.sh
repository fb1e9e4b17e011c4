#!/bin/sh
# 10-databases.sh: run once by the PostgreSQL image when its data folder is empty. One login per purpose: Temporal's, the
# owner that may change Dunlin's schema, and the application's, which owns nothing and sees one tenant at a time.
set -eu

secret() { cat "/run/secrets/$1"; }

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v temporal_password="$(secret temporal_db_password)" \
  -v owner_password="$(secret dunlin_owner_password)" \
  -v app_password="$(secret dunlin_app_password)" <<'SQL'
create role temporal login password :'temporal_password';
create database temporal owner temporal;
create database temporal_visibility owner temporal;

create role dunlin_app nologin;
create role dunlin_dispatch nologin;
create role dunlin_owner login password :'owner_password';
create role dunlin_login login noinherit password :'app_password';
-- The owner hands the roles on in its migrations; the application changes into them and has no right of its own.
grant dunlin_app, dunlin_dispatch to dunlin_owner with admin option;
grant dunlin_app, dunlin_dispatch to dunlin_login;
create database dunlin owner dunlin_owner template template0 encoding 'UTF8' locale 'C.UTF-8';
revoke connect on database dunlin, temporal, temporal_visibility from public;
grant connect on database dunlin to dunlin_login;
SQL
