# shellcheck shell=bash
# Runs suites one after the other, counts what their own reports say, and ends with a table. A suite that fails does not
# stop the others. A suite whose report shows no test at all has failed: it proves nothing.

readonly suite_limit_s=1800 # a suite that hangs must not eat the hour
names=() states=() seconds=() passes=() fails=() ignores=()

# suite NAME COMMAND…: the whole output goes to target/dev/NAME.log, and to the screen when it fails.
suite() {
  local name=$1 log began=$SECONDS code=0
  shift
  mkdir -p "$(target_dir)/dev"
  log=$(target_dir)/dev/$name.log
  say "… $name"
  timeout --kill-after=10 "$suite_limit_s" "$@" >"$log" 2>&1 || code=$?
  count "$log" "$code" "$1 ${2:-}"
  names+=("$name")
  seconds+=($((SECONDS - began)))
  if [[ ${fails[-1]} -eq 0 ]]; then
    states+=(ok)
    return
  fi
  states+=(FAILED)
  say "--- $name failed (exit $code); $log ends so:"
  tail -n 120 "$log" >&2
  say "--- end of $name"
}

# step NAME COMMAND…: preparation; counted only when it fails.
step() {
  local name=$1 log began=$SECONDS
  shift
  mkdir -p "$(target_dir)/dev"
  log=$(target_dir)/dev/$name.log
  if "$@" >"$log" 2>&1; then
    say "… $name ready in $((SECONDS - began)) s"
    return
  fi
  tail -n 60 "$log" >&2
  names+=("$name") states+=(FAILED) seconds+=($((SECONDS - began))) passes+=(0) fails+=(1) ignores+=(0)
}

# Reads passed, failed and ignored from a report of cargo test or node --test; other commands count as one.
count() {
  local log=$1 code=$2 passed failed ignored
  read -r passed failed ignored < <(awk '
    /^test result: / { for (i = 2; i <= NF; i++) { if ($i == "passed;") p += $(i-1); if ($i == "failed;") f += $(i-1); if ($i == "ignored;") g += $(i-1) } }
    /^# pass [0-9]+$/ { p += $3 } /^# fail [0-9]+$/ { f += $3 } /^# skipped [0-9]+$/ { g += $3 }
    END { print p + 0, f + 0, g + 0 }' "$log")
  case $3 in
    'cargo test' | .ci/browser*) [[ $((passed + failed)) -gt 0 ]] || code=1 ;;
    *) if [[ $code -eq 0 && $passed -eq 0 ]]; then passed=1; fi ;;
  esac
  if [[ $code -ne 0 && $failed -eq 0 ]]; then failed=1; fi
  passes+=("$passed") fails+=("$failed") ignores+=("$ignored")
}

# The table and the closing line; the exit code is 1 when anything failed.
report() {
  local i passed=0 failed=0 time=0
  printf '\n%-24s %-7s %8s %8s %8s %8s\n' suite state passed failed ignored seconds
  for i in "${!names[@]}"; do
    printf '%-24s %-7s %8d %8d %8d %8d\n' "${names[i]}" "${states[i]}" "${passes[i]}" "${fails[i]}" "${ignores[i]}" "${seconds[i]}"
    passed=$((passed + passes[i])) failed=$((failed + fails[i])) time=$((time + seconds[i]))
  done
  printf '%-24s %-7s %8s %8s %8s %8d\n' total '' '' '' '' "$time"
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed -eq 0 ]]
}
