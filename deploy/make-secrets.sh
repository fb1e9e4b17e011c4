#!/bin/sh
# make-secrets.sh: fills deploy/secrets with random values, once; what is there stays. Real vendors' secrets are put
# beside them by hand, see docs/operations.md.
set -eu
cd "$(dirname -- "$0")"
umask 077
mkdir -p secrets
cd secrets

random() { # 24 random bytes that may stand in a URL as they are
  dd if=/dev/urandom bs=24 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
}
base64_of() { # N random bytes in base64
  dd if=/dev/urandom bs="$1" count=1 2>/dev/null | base64 | tr -d '\n'
}
once() { # once NAME VALUE
  [ -s "$1" ] || printf '%s' "$2" >"$1"
  # The folder is closed to others; the processes in the containers, ordinary users of their own, read the files.
  chmod 444 "$1"
}

once postgres_password "$(random)"
once temporal_db_password "$(random)"
once dunlin_owner_password "$(random)"
once dunlin_app_password "$(random)"
once database_owner_url "postgresql://dunlin_owner:$(cat dunlin_owner_password)@postgresql:5432/dunlin"
once database_url "postgresql://dunlin_login:$(cat dunlin_app_password)@postgresql:5432/dunlin"
once codec_keys "first:$(base64_of 32)"
once webhook_secrets "whsec_$(base64_of 32)"
# Unset until a real value is written; an empty file means "not configured".
for name in smtp_url kixie_api_key kixie_webhook_token mail_token platform_key; do
  [ -e "$name" ] || : >"$name"
  chmod 444 "$name"
done
printf 'deploy/secrets is complete.\n'
