#!/bin/sh
# create-namespace.sh: the namespace of Dunlin, once. Closed runs stay ninety days: as long as a customer may still ask.
set -eu

until temporal operator cluster health >/dev/null 2>&1; do sleep 2; done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 90d
