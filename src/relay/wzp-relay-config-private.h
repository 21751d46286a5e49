/* wzp-relay-config-private: what the parts of wzp-relay-config share.
 *
 *   wzp-relay-config         the file: groups, lines, what goes together
 *   wzp-relay-config-keys    the table of keys, and the values */
#pragma once

#include "wzp-relay-config.h"

G_BEGIN_DECLS

#define WZP_RELAY_PEER_PREFIX "peer "

typedef enum {
  TYPE_IP,           /* char *: an address without a port */
  TYPE_ADDRESS,      /* char *: IP:port */
  TYPE_BIND,         /* the same, port 0 is one */
  TYPE_HOST,         /* char *: host[:port] */
  TYPE_PATH,         /* char *: made absolute */
  TYPE_PATHS,        /* char **: the same */
  TYPE_FINGERPRINTS, /* char **: of clients */
  TYPE_RELAY,        /* char *: "aa:bb:...", 32 bytes */
  TYPE_UINT,
  TYPE_UINT64,
  TYPE_BOOL,
  TYPE_LEVEL,
  TYPE_MODE,
} WzpRelayKeyType;

typedef struct {
  const char *group, *key;
  WzpRelayKeyType type;
  gsize offset;      /* in WzpRelaySettings; of a peer: in WzpRelayPeer */
  guint64 min, max;  /* of numbers */
  gboolean is_fixed; /* as long as the relay runs */
} WzpRelayKey;

/* NULL: there is none. @key NULL: any of the group. */
const WzpRelayKey *wzp_relay_key_find (const char *group, const char *key);
/* Sets the field at @field; @folder: what relative paths are below. FALSE:
 * WZP_ERROR_INVALID, @field untouched. */
gboolean wzp_relay_key_parse (const WzpRelayKey *key, const char *folder,
    const char *text, gpointer field, GError **error);

G_END_DECLS
