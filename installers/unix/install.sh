#!/bin/sh
# Installs the TabAgent host from the folder this script lies in, and registers it with the browsers of this user.
# Nothing is downloaded. Running it again installs over what is there.
set -eu

# Only absolute folders are searched for programs: an empty entry of PATH means the current folder.
search=$PATH
PATH=
set -f
IFS=:
for folder in $search; do
  case $folder in
    /*) PATH=${PATH:+$PATH:}$folder ;;
  esac
done
unset IFS
set +f
: "${PATH:=/usr/bin:/bin}"

usage() {
  cat <<'END'
Usage: ./install.sh [--system] [--prefix FOLDER] [install options]
       ./install.sh --uninstall [--system] [--prefix FOLDER]

Copies the host to FOLDER/lib/tabagent-host, links the command FOLDER/bin/tabagent
to it, and runs "tabagent install", which tells the browsers where it is.

  --prefix FOLDER   ~/.local without it, /usr/local with --system
  --system          for all users of this computer (as root)
  --uninstall       takes all of that away again; models and settings stay
  --help            prints this

All other options go to "tabagent install", such as --browser firefox.
END
}

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
prefix=
system=
uninstall=
# The arguments that stay are those for "tabagent install": each is taken from the front, and put back at the end.
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  count=$((count - 1))
  case $argument in
    --help | -h)
      usage
      exit 0
      ;;
    --uninstall) uninstall=yes ;;
    --system) system=--system ;;
    --prefix)
      [ "$count" -gt 0 ] || fail 'Expected a folder behind --prefix.'
      prefix=$1
      shift
      count=$((count - 1))
      ;;
    *) set -- "$@" "$argument" ;;
  esac
done

if [ -n "$system" ]; then
  [ "$(id -u)" = 0 ] || fail 'Expected --system to be run as root: sudo ./install.sh --system'
  : "${prefix:=/usr/local}"
else
  : "${prefix:=${HOME:?}/.local}"
fi
case $prefix in
  /*) ;;
  *) fail "Expected --prefix to be an absolute path, got \"$prefix\"." ;;
esac
place=$prefix/lib/tabagent-host
command=$prefix/bin/tabagent

if [ -n "$uninstall" ]; then
  [ "$#" = 0 ] || fail "Expected nothing more behind --uninstall, got \"$1\"."
  if [ -x "$place/tabagent-host" ]; then
    "$place/tabagent-host" uninstall $system
    rm -rf -- "$place"
    if [ -L "$command" ]; then rm -f -- "$command"; fi
    printf 'Removed %s\n' "$place"
  else
    printf 'There is no TabAgent host in %s.\n' "$place"
  fi
  exit 0
fi

[ -f "$here/tabagent-host" ] || fail "Expected the program tabagent-host in $here: run this from the unpacked archive."
[ "$here" != "$place" ] || fail "$here is the installed host itself. Run install.sh from an unpacked archive."

# A new folder is made whole beside the old one and takes its place at once. A host that runs says it was updated.
mkdir -p -- "$prefix/lib" "$prefix/bin"
new=$place.new.$$
trap 'rm -rf -- "$new"' EXIT
mkdir -- "$new"
cp -R -- "$here/." "$new"
chmod -R u+rwX,go+rX,go-w -- "$new"
chmod 755 -- "$new/tabagent-host"

if [ "$(uname -s)" = Darwin ]; then
  # macOS starts only signed programs, and asks about what came from the internet.
  xattr -dr com.apple.quarantine "$new" 2>/dev/null || :
  codesign --force --sign - "$new/tabagent-host" >/dev/null 2>&1 ||
    fail 'codesign could not sign the host; macOS would not start it. It comes with macOS in /usr/bin.'
fi
version=$("$new/tabagent-host" --version) ||
  fail 'The host does not start on this machine. On Linux it needs glibc 2.34 and libstdc++ (Debian 12, Ubuntu 22.04, Fedora 35 or newer), and the archive for this processor.'

old=
if [ -e "$place" ]; then
  old=$place.old.$$
  mv -- "$place" "$old"
fi
mv -- "$new" "$place"
if [ -n "$old" ]; then rm -rf -- "$old"; fi
ln -sf -- "$place/tabagent-host" "$command"
printf 'Installed the TabAgent host %s in %s\n' "$version" "$place"

"$place/tabagent-host" install $system "$@"

case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) printf 'The command is %s; that folder is not in your PATH.\n' "$command" ;;
esac
