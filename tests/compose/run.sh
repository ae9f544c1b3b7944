#!/usr/bin/env bash
# Builds the image, starts the stack of compose.yaml, chats through its published ports, stops it,
# and looks whether it drained. `./dev compose-test` runs this.
#
# Needs Docker with compose (or podman behind Docker's API). Where there is no engine,
# $TXTCHAT_CONTAINER_ENGINE can name a program that starts one: `PROGRAM up` prints the shell
# variables to use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly PYTHON=/usr/bin/python3
readonly PROJECT=txtchat-test-$$
readonly READY_TIMEOUT_S=60

say() { printf 'compose-test: %s\n' "$*"; }
fail() {
  say "FAILED: $*" >&2
  exit 1
}

engine_up() {
  docker info >/dev/null 2>&1 && return 0
  local starter=${TXTCHAT_CONTAINER_ENGINE:-../shared/tools/container-engine}
  [[ -x $starter ]] || fail "no container engine answers (docker info). Start Docker and try again"
  say "no container engine answers; starting one"
  local variables
  variables=$("$starter" up) || fail "$starter could not start a container engine"
  eval "$variables"
}

if docker compose version >/dev/null 2>&1; then
  compose_command=(docker compose)
else
  compose_command=(docker-compose)
fi
compose() { "${compose_command[@]}" -p "$PROJECT" -f compose.yaml "$@"; }

# The engine behind podman's API has `docker inspect` only through a docker program; use what is there.
if command -v docker >/dev/null; then engine=docker; else engine=podman; fi
inspect() { "$engine" inspect --format "$1" "$container"; }

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

work=$(mktemp -d)
container=
chat_pid=
cleanup() {
  local status=$?
  [[ -z $chat_pid ]] || kill "$chat_pid" 2>/dev/null || true
  if ((status != 0)) && [[ -n $container ]]; then
    say 'the log of the container:' >&2
    "$engine" logs "$container" >&2 || true
  fi
  compose down -v --remove-orphans >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
  rm -rf "$work"
  exit "$status"
}

# Runs the HEALTHCHECK of the image in the container, as the engine does every few seconds. (Engines
# without a scheduler leave the status at `starting` for ever.)
health_check() {
  local command
  mapfile -t command < <(
    inspect '{{json .Config.Healthcheck.Test}}' |
      "$PYTHON" -c 'import json, sys; print("\n".join(json.load(sys.stdin)))'
  )
  [[ ${command[0]} == CMD ]] || fail "the image has no HEALTHCHECK of the form CMD"
  "$engine" exec "$container" "${command[@]:1}"
}

wait_until_healthy() {
  local began=$SECONDS
  until health_check >"$work/health.log" 2>&1; do
    [[ $(inspect '{{.State.Running}}') == true ]] || fail "the server stopped by itself"
    ((SECONDS - began < READY_TIMEOUT_S)) ||
      fail "not healthy after $READY_TIMEOUT_S s; the health check says: $(cat "$work/health.log")"
    sleep 0.3
  done
  [[ $(inspect '{{.State.Health.Status}}') != unhealthy ]] || fail "the engine says: unhealthy"
}

check_confinement() {
  [[ $("$engine" exec "$container" id -u) == 10001 ]] || fail "the server runs as another user"
  if "$engine" exec "$container" sh -c 'touch /usr/local/bin/x' 2>/dev/null; then
    fail "the root file system can be written to"
  fi
  "$engine" exec "$container" sh -c 'touch /var/lib/txtchat/x && rm /var/lib/txtchat/x' ||
    fail "the data volume cannot be written to"
  if "$engine" exec "$container" txtchat health --server 127.0.0.1:1 >/dev/null 2>&1; then
    fail "the health check finds a server where there is none"
  fi
}

trap cleanup EXIT
engine_up
TXTCHAT_LINE_PORT=${TXTCHAT_LINE_PORT:-$(free_port)}
TXTCHAT_GRPC_PORT=${TXTCHAT_GRPC_PORT:-$(free_port)}
export TXTCHAT_LINE_PORT TXTCHAT_GRPC_PORT

say 'building the image'
compose build
say "starting the stack: lines on $TXTCHAT_LINE_PORT, gRPC on $TXTCHAT_GRPC_PORT"
compose up -d
container=$(compose ps -q txtchat)
[[ -n $container ]] || fail "compose started nothing"
wait_until_healthy
say "healthy"
check_confinement

protoc -I proto --python_out="$work" --grpc_python_out="$work" \
  --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin proto/txtchat/v1/chat.proto
PYTHONPATH=$work "$PYTHON" -B tests/compose/chat.py 127.0.0.1 "$TXTCHAT_LINE_PORT" \
  "$TXTCHAT_GRPC_PORT" "$work/chatted" &
chat_pid=$!
until [[ -e $work/chatted ]]; do
  if ! kill -0 "$chat_pid" 2>/dev/null; then
    wait "$chat_pid" || true
    chat_pid=
    fail "the clients could not chat; see above"
  fi
  sleep 0.1
done

say 'stopping the stack while clients are connected'
began=$SECONDS
compose stop
say "stopped after $((SECONDS - began)) s"
wait "$chat_pid" || fail "the clients were not told why the server left; see above"
chat_pid=
code=$(inspect '{{.State.ExitCode}}')
[[ $code == 0 ]] || fail "the server ended with exit code $code"
"$engine" logs "$container" >"$work/server.log" 2>&1
grep -qi 'drained' "$work/server.log" || fail "the log does not say that the drain finished"
if grep -q 'hello from' "$work/server.log"; then fail "the log shows what users wrote"; fi
say 'passed'
