/* wzp-relay-config: the configuration file of wzp-relay: a GKeyFile of which
 * every group and key is known, every value is checked, and every error names
 * the file, the line and the key:
 *
 *   FILE:12: [quota address] calls-per-minute: "many" is no number from 0 to ...
 *
 * What the keys mean is in wzp-relay.conf(5); the table of them in the .c is
 * what the parser, wzp_relay_settings_list_keys() and, through a test, that
 * page go by. */
#pragma once

#include "wzp-relay-log.h"
#include "wzp-relay.h"

G_BEGIN_DECLS

#define WZP_RELAY_CONFIG_MAX_LEN (256u * 1024u) /* bytes */
#define WZP_RELAY_NO_PORT        G_MAXUINT

/* All that a relay runs by: the file's word, then the command line's. */
typedef struct {
  char *path;            /* owned; NULL: no file */
  char *listen;          /* owned; NULL: any address */
  guint port;            /* 0: a free one */
  guint second_port;     /* 0: a free one; WZP_RELAY_NO_PORT: none */
  char *key_file;        /* owned; NULL: wzp_relay_default_key_file() */
  char *public_address;  /* owned, nullable: "IP:port" */
  guint idle_timeout_ms;
  WzpLogLevel log_level;

  guint clients, calls, calls_per_client, ringing;
  guint call_timeout_s, return_grace_s;
  guint rooms, room_members;
  gboolean open_rooms;

  WzpAccessKind access_mode;
  char **allow;          /* owned, nullable: fingerprints */
  char *allow_file;      /* owned, nullable */
  char **token_key_files; /* owned, nullable */
  WzpRelayAccess *access; /* owned: made of the four above */

  WzpQuotaLimits quotas;
  char *metrics_listen;  /* owned; NULL: no metrics */
  guint drain_timeout_s;
  GArray *peers;         /* owned: of WzpRelayPeer, whose texts it owns */
} WzpRelaySettings;

/* The defaults. */
WzpRelaySettings *wzp_relay_settings_new (void);
void wzp_relay_settings_free (WzpRelaySettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelaySettings, wzp_relay_settings_free)

/* The defaults, changed by what @text says, and the files read that it names;
 * paths that do not begin with '/' are below the folder of @path, which is also
 * the name in errors. @text: any bytes. WZP_ERROR_INVALID, _TOO_LARGE, or what
 * was wrong with a file. */
WzpRelaySettings *wzp_relay_settings_parse (
    const char *path, const char *text, gsize len, GError **error);
/* The same from a file. G_FILE_ERROR_NOENT only where @path itself is not
 * there. */
WzpRelaySettings *wzp_relay_settings_read (const char *path, GError **error);

/* What a relay is made of; everything borrowed from @self. Not identity and
 * fds. */
void wzp_relay_settings_fill (
    const WzpRelaySettings *self, WzpRelayConfig *ret_config);
/* Those keys whose values differ between @self and @next and cannot be changed
 * in a running relay: "[group] key", NULL-terminated (transfer full). */
char **wzp_relay_settings_list_fixed (
    const WzpRelaySettings *self, const WzpRelaySettings *next);
/* Every key as "[group] key", a line each (transfer full). */
char *wzp_relay_settings_list_keys (void);

/* "IP:port" with a port. WZP_ERROR_INVALID. */
gboolean wzp_relay_check_address (
    const char *text, gboolean any_port, GError **error);

G_END_DECLS
