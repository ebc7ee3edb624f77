#!/bin/bash
set -e
X=1
# doc
f() {
  local a=$1
  if [ -n "$a" ]; then
    x
    y
  elif z; then
    w
  else
    v
  fi
  for i in 1 2; do
    x
  done
  while read -r l; do
    y
  done < file
  case "$a" in
    1)
      x
      ;;
    2|3) y ;;
    *)
      z
  esac
  cat <<EOF
text

more $a
EOF
  x && {
    y
  } || z
  (
    cd x
    y
  )
  arr=(
    a
    b
  )
  cat <<A > f
x
A
  x |
    y |
    z
}
function g {
  x
}
main "$@"

# Fetches a file, with retries.
fetch() {
	local url=$1 out=$2
	local -a args=(
		--silent
		--fail
	)
	until curl "${args[@]}" -o "$out" "$url"; do
		((tries++))
		if (( tries > 3 )); then
			echo "giving up on $url" >&2
			return 1
		fi
		sleep 1
	done
	while IFS= read -r line; do
		case $line in
			\#*) continue ;;
			*=*)
				export "$line"
				;;
		esac
	done <<-END
		A=1
		B=2
	END
	trap 'rm -f "$out"' EXIT
	echo "$(
		date
		uname
	)"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
	fetch "$@"
	exit $?
fi
