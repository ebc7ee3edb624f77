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
