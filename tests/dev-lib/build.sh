# Sourced by ./dev: meson and ninja.

# configure DIR [MESON OPTION...]: sets a build folder up, or leaves one that
# is set up as it is (ninja configures again by itself when meson.build changed).
# CC is gcc unless set.
configure () {
  local dir=$1 here
  shift

  # A checkout that was moved: the folder names the old place.
  here=$(pwd -P)
  if [ -f "$dir/build.ninja" ] && ! grep -qF " $here" "$dir/build.ninja"; then
    rm -rf "$dir/build.ninja" "$dir/meson-private" "$dir/meson-info"
  fi
  [ -f "$dir/build.ninja" ] ||
    CC=${CC:-gcc} step "setup-${dir#build-}" "setting $dir up" \
      meson setup "$dir" "$@"
}

build () { step "ninja-${1#build-}" "building $1" ninja -C "$1"; }

# GStreamer's own names for where the plugin is, with a registry of its own.
plugin_env () {
  export GST_PLUGIN_PATH="$PWD/$1/gst-plugin"
  export GST_REGISTRY="$PWD/$1/gst-registry.bin"
}

# The first look at all plugins takes GStreamer a while: show it.
scan_plugins () {
  [ -f "$1/gst-registry.bin" ] && return 0
  (plugin_env "$1" && step scan "GStreamer looks through its plugins" \
    gst-inspect-1.0 wzpsink) || die 'GStreamer does not find wzpsink'
}
