#!/bin/sh
# Installs the TabAgent host from the folder that contains this script, and registers it with the browsers of this user.
# Nothing is downloaded. Running it again updates the installation.
set -eu

# Limit the search for programs to absolute folders: an empty entry of PATH means the current folder.
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
Usage: ./install.sh [--system] [--prefix FOLDER] [--force] [install options]
       ./install.sh --uninstall [--system] [--prefix FOLDER]

Copies the host to FOLDER/lib/tabagent-host, links the command FOLDER/bin/tabagent,
the manual page and the shell completions to it, and runs "tabagent install", which
registers the host with browsers.

  --prefix FOLDER   where to install (default: ~/.local, or /usr/local with --system)
  --system          install for all users (requires root)
  --force           replace files that do not belong to TabAgent
  --uninstall       remove the host; models and settings are kept
  --help            show this help

All other options are passed to "tabagent install", for example --browser firefox.
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
force=
# Each argument is taken from the front. Those for "tabagent install" are appended again, so only they remain.
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
    --force) force=yes ;;
    --system) system=--system ;;
    --prefix)
      [ "$count" -gt 0 ] || fail '--prefix requires a folder: --prefix FOLDER'
      prefix=$1
      shift
      count=$((count - 1))
      ;;
    *) set -- "$@" "$argument" ;;
  esac
done

if [ -n "$system" ]; then
  [ "$(id -u)" = 0 ] || fail '--system requires root. Run: sudo ./install.sh --system'
  : "${prefix:=/usr/local}"
else
  : "${prefix:=${HOME:?}/.local}"
fi
case $prefix in
  /*) ;;
  *) fail "--prefix must be an absolute path, but is \"$prefix\"." ;;
esac
place=$prefix/lib/tabagent-host
program=$place/tabagent-host

# Links to files of the host: the command, the manual page and the shell completions.
links="bin/tabagent tabagent-host
share/man/man1/tabagent.1 share/tabagent.1
share/bash-completion/completions/tabagent share/completions/tabagent.bash
share/zsh/site-functions/_tabagent share/completions/tabagent.zsh
share/fish/vendor_completions.d/tabagent.fish share/completions/tabagent.fish"

# Succeeds if the path does not exist, or is a link to this target.
is_ours() {
  if [ -L "$1" ]; then
    [ "$(readlink -- "$1")" = "$2" ]
  else
    [ ! -e "$1" ]
  fi
}

# Removes the files that are in a folder's lists, and folders that are then empty. Keeps everything else.
remove_listed() {
  for list in "$1"/FILES.txt "$1"/FILES-*.txt; do
    [ -f "$list" ] || continue
    # Read the whole list first, because it contains itself.
    names=$(cat -- "$list")
    printf '%s\n' "$names" | while IFS= read -r name; do
      case $name in
        */) rmdir -- "$1/$name" 2>/dev/null || : ;;
        *) rm -f -- "$1/$name" ;;
      esac
    done
  done
  rmdir -- "$1" 2>/dev/null || :
}

if [ -n "$uninstall" ]; then
  [ "$#" = 0 ] || fail "Unexpected argument after --uninstall: \"$1\"."
  if [ ! -f "$place/FILES.txt" ] || [ ! -x "$program" ]; then
    printf 'The TabAgent host is not installed in %s.\n' "$place"
    exit 0
  fi
  "$program" uninstall $system
  printf '%s\n' "$links" | while read -r link target; do
    if [ -L "$prefix/$link" ] && is_ours "$prefix/$link" "$place/$target"; then
      rm -f -- "$prefix/$link"
      # Also remove its parent folders if they are empty.
      folder=${link%/*}
      while [ "$folder" != bin ] && [ "$folder" != share ] && rmdir -- "$prefix/$folder" 2>/dev/null; do
        folder=${folder%/*}
      done
    fi
  done
  rmdir -- "$prefix/share" 2>/dev/null || :
  remove_listed "$place"
  if [ -e "$place" ]; then
    printf 'Removed the TabAgent host from %s. Files there that do not belong to it were kept.\n' "$place"
  else
    printf 'Removed %s\n' "$place"
  fi
  exit 0
fi

# Check everything before changing anything.
for file in tabagent-host FILES.txt PACKAGE.txt; do
  [ -f "$here/$file" ] || fail "$here/$file does not exist. Run install.sh from the unpacked archive."
done
[ "$here" != "$place" ] || fail "$here is the installed host itself. Run install.sh from an unpacked archive."

for_system=
for_cpu=
kib=0
while read -r name value; do
  case $name in
    system) for_system=$value ;;
    cpu) for_cpu=$value ;;
    kib) kib=$value ;;
  esac
done <"$here/PACKAGE.txt"

case $(uname -s) in
  Linux) this_system=linux ;;
  Darwin) this_system=darwin ;;
  *) this_system=$(uname -s) ;;
esac
case $(uname -m) in
  x86_64 | amd64) this_cpu=x64 ;;
  aarch64 | arm64) this_cpu=arm64 ;;
  *) this_cpu=$(uname -m) ;;
esac
# Under Rosetta, uname reports an Intel processor on Apple silicon.
if [ "$this_system" = darwin ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null || echo 0)" = 1 ]; then this_cpu=arm64; fi
if [ "$this_system-$this_cpu" != "$for_system-$for_cpu" ] && [ "$this_system-$for_cpu" != darwin-x64 ]; then
  fail "This package is for $for_system-$for_cpu, but this computer is $this_system-$this_cpu. Download the package for $this_system-$this_cpu."
fi

# Succeeds if version $1 is at least version $2. Both have the form MAJOR.MINOR.
is_at_least() {
  major=${1%%.*}
  rest=${1#*.}
  minor=${rest%%.*}
  [ "$major" -gt "${2%%.*}" ] || { [ "$major" = "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

if [ "$this_system" = linux ]; then
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc \([0-9]*\.[0-9]*\).*/\1/p')
  [ -n "$glibc" ] || fail 'This Linux distribution does not use glibc (it may use musl, as Alpine Linux does). The TabAgent host requires glibc 2.34 or later.'
  is_at_least "$glibc" 2.34 ||
    fail "This Linux distribution has glibc $glibc, but the TabAgent host requires 2.34 or later (Debian 12, Ubuntu 22.04, Fedora 35 or newer)."
else
  macos=$(sw_vers -productVersion)
  case $macos in *.*) ;; *) macos=$macos.0 ;; esac
  is_at_least "$macos" 13.5 || fail "This is macOS $macos, but the TabAgent host requires macOS 13.5 or later."
fi

if [ -e "$place" ] && [ ! -f "$place/FILES.txt" ] && [ -z "$force" ]; then
  fail "$place exists, but was not installed by TabAgent. Move it elsewhere, choose another --prefix, or replace it with --force."
fi
if [ -z "$force" ] && ! is_ours "$prefix/bin/tabagent" "$program"; then
  fail "$prefix/bin/tabagent exists, but does not belong to this installation. Move it elsewhere, choose another --prefix, or replace it with --force."
fi

existing=$prefix
while [ ! -d "$existing" ]; do existing=$(dirname -- "$existing"); done
free=$(df -Pk -- "$existing" | awk 'NR == 2 { print $4 }')
# The new version is copied before the old one is removed.
[ "$free" -ge "$kib" ] || fail "Not enough disk space: the installation needs $((kib / 1024)) MiB in $prefix, but only $((free / 1024)) MiB are free."

# Complete the new version next to the old one, then swap them. A running host reports the update.
mkdir -p -- "$prefix/lib" "$prefix/bin"
new=$place.new.$$
trap 'rm -rf -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -- "$new"
# Copy only listed files: the archive may have been unpacked among other files. Add-ons have their own lists.
for list in "$here"/FILES.txt "$here"/FILES-*.txt; do
  [ -f "$list" ] || continue
  while IFS= read -r name; do
    case $name in
      */) ;;
      */*)
        mkdir -p -- "$new/${name%/*}"
        cp -- "$here/$name" "$new/$name"
        ;;
      *) cp -- "$here/$name" "$new/$name" ;;
    esac
  done <"$list"
done
chmod -R u+rwX,go+rX,go-w -- "$new"
chmod 755 -- "$new/tabagent-host"

if [ "$this_system" = darwin ]; then
  # macOS starts only signed programs, and asks the user about quarantined ones.
  xattr -dr com.apple.quarantine "$new" 2>/dev/null || :
  codesign --force --sign - "$new/tabagent-host" >/dev/null 2>&1 ||
    fail 'codesign could not sign the host, so macOS would not start it. codesign is part of macOS, in /usr/bin.'
fi
version=$("$new/tabagent-host" --version) ||
  fail 'The host does not start on this computer. On Linux, it requires libstdc++ of GCC 12 or later.'

# Prints the version of the llama.cpp binaries in a folder.
binaries_version() {
  sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$1/package.json" 2>/dev/null | head -n 1
}

if [ -e "$place" ]; then
  old=$place.old.$$
  mv -- "$place" "$old"
  mv -- "$new" "$place"
  # Keep add-ons that were made for the same llama.cpp binaries. Others do not work with this version.
  for list in "$old"/FILES-*.txt; do
    [ -f "$list" ] || continue
    [ ! -f "$place/${list##*/}" ] || continue
    addon=${list##*/FILES-}
    addon=${addon%.txt}
    base=$(set -- "$place"/lib/llama/*/ && printf '%s' "$1")
    if [ "$(binaries_version "$old/lib/llama/$addon")" = "$(binaries_version "$base")" ]; then
      while IFS= read -r name; do
        case $name in
          */) mkdir -p -- "$place/$name" ;;
          *)
            mkdir -p -- "$place/$(dirname -- "$name")"
            mv -- "$old/$name" "$place/$name"
            ;;
        esac
      done <"$list"
      printf 'Kept the add-on %s.\n' "$addon"
    else
      printf 'Removed the add-on %s, which does not work with this version. Unpack the add-on of version %s in %s.\n' "$addon" "$version" "$place" >&2
    fi
  done
  if [ -f "$old/FILES.txt" ]; then
    remove_listed "$old"
    if [ -e "$old" ]; then
      # Move files that do not belong to the host back.
      (cd -- "$old" && find . ! -type d) | while IFS= read -r name; do
        [ ! -e "$place/$name" ] || continue
        mkdir -p -- "$place/$(dirname -- "$name")"
        mv -- "$old/$name" "$place/$name"
      done
      rm -rf -- "$old"
    fi
  else
    printf 'The previous contents of %s were moved to %s.\n' "$place" "$old" >&2
  fi
else
  mv -- "$new" "$place"
fi

printf '%s\n' "$links" | while read -r link target; do
  if [ -n "$force" ] || is_ours "$prefix/$link" "$place/$target"; then
    mkdir -p -- "$prefix/${link%/*}"
    ln -sfn -- "$place/$target" "$prefix/$link"
  else
    printf '%s was kept: it does not belong to this installation.\n' "$prefix/$link" >&2
  fi
done
printf 'Installed the TabAgent host %s in %s\n' "$version" "$place"

"$program" install $system "$@"

case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) printf 'The command is %s. Its folder is not in your PATH.\n' "$prefix/bin/tabagent" ;;
esac
