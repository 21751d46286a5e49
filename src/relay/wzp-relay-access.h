/* wzp-relay-access: who may use a relay: everybody, those on a list, or those
 * with a token. Immutable and reference counted. Pure.
 *
 * A token is text that its holder sends as AuthToken:
 *
 *   wzp1.<payload>.<mac>
 *   payload  base64url, no padding, of JSON {"exp": seconds since 1970,
 *            "fp": fingerprint (optional: for this identity only),
 *            "room": name (optional: for this open room only, no calls)}
 *   mac      base64url of HMAC-SHA256 over "wzp1.<payload>"
 *
 * The key is a secret of 32 bytes or more that relay and minter share. */
#pragma once

#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_TOKEN_MAX_LEN        512u /* bytes of its text */
#define WZP_TOKEN_MIN_KEY_LEN    32u
#define WZP_TOKEN_MAX_KEY_LEN    4096u
#define WZP_ACCESS_MAX_ALLOWED   65536u /* fingerprints on the list */
#define WZP_ACCESS_MAX_TOKEN_KEYS 4u    /* an old and a new one at once */

typedef enum {
  WZP_ACCESS_OPEN,
  WZP_ACCESS_ALLOW_LIST,
  WZP_ACCESS_TOKEN,
} WzpAccessKind;

typedef struct _WzpRelayAccess WzpRelayAccess;

WzpRelayAccess *wzp_relay_access_new_open (void);
/* Each fingerprint text of @allowed. WZP_ERROR_INVALID that names the bad one,
 * WZP_ERROR_TOO_LARGE. */
WzpRelayAccess *wzp_relay_access_new_allow_list (
    const char *const *allowed, GError **error);
/* Keys are copied; any of them verifies. WZP_ERROR_INVALID: too short, too long,
 * none or too many. */
WzpRelayAccess *wzp_relay_access_new_token (
    GBytes *const *keys, guint n_keys, GError **error);
WzpRelayAccess *wzp_relay_access_ref (WzpRelayAccess *self);
void wzp_relay_access_unref (WzpRelayAccess *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayAccess, wzp_relay_access_unref)

WzpAccessKind wzp_relay_access_get_kind (const WzpRelayAccess *self);
/* Whether @who (NULL: no certificate) may use the relay by that alone: OPEN:
 * everybody; ALLOW_LIST: who is on it; TOKEN: nobody. */
gboolean wzp_relay_access_admits (
    const WzpRelayAccess *self, const WzpFingerprint *who);
/* Whether @token lets @who (nullable) in, for @room (NULL: for calls) now.
 * FALSE: @error is WZP_ERROR_REJECTED and says to its holder why (expired, not
 * for this identity, not for this room, not valid); compared in constant time.
 * OPEN and ALLOW_LIST: as wzp_relay_access_admits(). */
gboolean wzp_relay_access_check_token (const WzpRelayAccess *self,
    const char *token, const WzpFingerprint *who, const char *room,
    gint64 now_unix_s, GError **error);

/* Mints one (transfer full). @who, @room nullable. WZP_ERROR_INVALID. */
char *wzp_token_mint (GBytes *key, gint64 expires_unix_s,
    const WzpFingerprint *who, const char *room, GError **error);

G_END_DECLS
