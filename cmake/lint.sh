#!/usr/bin/env bash
# What `./dev lint` runs: every check, all of them even after one has failed, and a verdict at the end.
#
#   cmake/lint.sh          clang-tidy on core/, storage/ and gateway/, and on what this branch and the
#                          working tree change in the other folders
#   cmake/lint.sh --all    clang-tidy on every source file (the gRPC ones take half a minute each);
#                          also where CI is set, and where there is nothing to compare with
#
# clang-tidy results are remembered by content in build/lint, so that an unchanged file costs nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${BUF_VERSION:?run this through ./dev lint}" "${CACHE_DIR:?}" "${PYTHON:?}" "${JOBS:?}"

readonly PRODUCTION=(core storage identity gateway grpc-service server client bench)
readonly STAMPS=build/lint
all=no
[[ ${1:-} == --all || -n ${CI:-} ]] && all=yes

failed=()
check() { # check NAME COMMAND…
  local name=$1 began=$SECONDS
  shift
  if "$@"; then
    printf 'lint: %-14s ok (%d s)\n' "$name" $((SECONDS - began))
  else
    printf 'lint: %-14s FAILED\n' "$name"
    failed+=("$name")
  fi
}

files() { # Tracked and new files that match the patterns, ignored ones never.
  git ls-files -co --exclude-standard -- "$@" | while IFS= read -r file; do
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done
}

formatting() {
  local file status=0
  while IFS= read -r file; do
    clang-format-14 "$file" | cmp -s - "$file" && continue
    echo "lint: not formatted: $file" >&2
    status=1
  done < <(files '*.cc' '*.h')
  ((status == 0)) || echo 'lint: ./dev format puts this right' >&2
  return "$status"
}

shell_scripts() {
  local scripts
  mapfile -t scripts < <(
    files '*.sh'
    printf '%s\n' dev .ci/run
  )
  local script
  for script in "${scripts[@]}"; do bash -n "$script" || return 1; done
  shellcheck --severity=style "${scripts[@]}"
}

proto() {
  local home=$CACHE_DIR/buf-$BUF_VERSION
  if [[ ! -x $home/node_modules/.bin/buf ]]; then
    command -v npm >/dev/null ||
      { echo 'lint: buf comes from npm, which is missing: apt-get install npm' >&2; return 1; }
    npm install --silent --no-save --no-audit --no-fund --prefix "$home" "@bufbuild/buf@$BUF_VERSION"
  fi
  "$home/node_modules/.bin/buf" lint
}

# Where this branch left the one that it goes back to; fails where that is not known.
branch_point() {
  git merge-base HEAD '@{upstream}' 2>/dev/null && return
  [[ $(git branch --show-current) != main ]] || return
  git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null
}

# Sources of the folder that changed since the commit; all of them, if one of its headers did.
changed_sources() { # changed_sources COMMIT FOLDER
  local changed
  changed=$({
    git diff --name-only "$1" -- "$2"
    git ls-files -o --exclude-standard -- "$2"
  })
  if grep -q '\.h$' <<<"$changed"; then
    files "$2/*.cc"
  else
    files "$2/*.cc" | grep -xF -f <(printf '%s\n' "$changed") || true
  fi
}

sources_to_tidy() {
  local base folder
  for folder in "${PRODUCTION[@]}"; do
    case $folder in
      core | storage | gateway) files "$folder/*.cc" ;;
      *)
        if [[ $all == no ]] && base=$(branch_point); then
          changed_sources "$base" "$folder"
        else
          files "$folder/*.cc"
        fi
        ;;
    esac
  done
}

# Changes when anything changes that could change a verdict: a project's header, a setting, the file.
stamp_of() {
  printf '%s/%s-%s' "$STAMPS" "${1//\//_}" "$(cat "$1" <(echo "$headers_digest") | sha1sum | cut -c1-16)"
}

tidy_one() {
  local source=$1 stamp=$2
  if clang-tidy-14 --quiet --extra-arg=-Wno-unknown-warning-option -p build/dev "$source" 2> >(grep -v 'warnings\? generated\|^Suppressed\|^Use -header-filter' >&2); then
    touch "$stamp"
  else
    return 1
  fi
}
export -f tidy_one

tidy() {
  local headers_digest source stamp todo=()
  mkdir -p "$STAMPS"
  headers_digest=$(files '*.h' '*.proto' .clang-tidy | sort | xargs sha1sum | sha1sum)
  while IFS= read -r source; do
    stamp=$(stamp_of "$source")
    [[ -f $stamp ]] || todo+=("$source" "$stamp")
  done < <(sources_to_tidy)
  ((${#todo[@]})) || return 0
  echo "lint: clang-tidy on $((${#todo[@]} / 2)) files"
  # shellcheck disable=SC2016
  printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "$JOBS" bash -c 'tidy_one "$1" "$2"' tidy
}

check formatting formatting
check shell shell_scripts
check proto proto
check structure "$PYTHON" tests/structure/structure_check.py .
check clang-tidy tidy

if ((${#failed[@]})); then
  echo "lint: failed: ${failed[*]}" >&2
  exit 1
fi
echo 'lint: all clean'
