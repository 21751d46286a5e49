/* wzp-relay-options: the command line of wzp-relay, the settings that come of
 * it and of the configuration file, and the key. */
#pragma once

#include "wzp-identity.h"
#include "wzp-relay-config.h"

G_BEGIN_DECLS

/* What was given; the rest is as the configuration says. */
typedef struct {
  char *config;          /* owned; NULL: the default one, where it is there */
  gboolean no_config;
  char *listen;          /* owned, nullable */
  guint port;            /* WZP_RELAY_NO_PORT: not given */
  guint second_port;     /* the same */
  char *key_file;        /* owned, nullable */
  gboolean ephemeral_key;
  char *public_address;  /* owned, nullable */
  char *metrics;         /* owned, nullable */
  int drain_timeout_s;   /* -1: not given */
  gboolean print_address;
  gboolean quiet, verbose;
  gboolean check_config, list_config_keys, version;
} WzpRelayOptions;

/* Reads argv (as a UTF-8 array, changed by it). "--help" prints and exits.
 * G_OPTION_ERROR, or WZP_ERROR_INVALID for a bad value. */
gboolean wzp_relay_options_parse (
    char ***argv, WzpRelayOptions *ret_options, GError **error);
void wzp_relay_options_clear (WzpRelayOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WzpRelayOptions, wzp_relay_options_clear)

/* The configuration file's settings (the defaults where there is none and none
 * was asked for), with what the command line says over them. To be called again
 * for a reload. Errors as wzp_relay_settings_read(). */
WzpRelaySettings *wzp_relay_options_load_settings (
    const WzpRelayOptions *options, GError **error);

/* wzp-relay.conf in the system's configuration folder. */
const char *wzp_relay_default_config (void);
/* relay.key in $STATE_DIRECTORY, which systemd sets; without that
 * gst-wzp/relay.key in the user's state folder (transfer full). */
char *wzp_relay_default_key_file (void);
/* The relay's identity as the settings say. @create: makes the file, 0600, and
 * its folder when they are missing. Errors as wzp_identity_load(). */
WzpIdentity *wzp_relay_options_load_identity (const WzpRelayOptions *options,
    const WzpRelaySettings *settings, gboolean create, GError **error);

G_END_DECLS
