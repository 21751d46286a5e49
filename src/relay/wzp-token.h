/* wzp-token: the text of an access token, made and opened. What its claims are
 * good for is wzp-relay-access's business, and there is the format. Pure. */
#pragma once

#include "wzp-relay-access.h"
#include "wzp-sni.h"

G_BEGIN_DECLS

typedef struct _WzpTokenKey WzpTokenKey;

typedef struct {
  gint64 expires_unix_s;
  gboolean has_who;
  WzpFingerprint who;
  char room[WZP_ROOM_MAX_LEN + 1]; /* "": for calls and every room */
} WzpTokenClaims;

/* A copy that is wiped when freed. WZP_ERROR_INVALID: too short, too long. */
WzpTokenKey *wzp_token_key_new (GBytes *secret, GError **error);
void wzp_token_key_free (WzpTokenKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpTokenKey, wzp_token_key_free)

/* FALSE: @token (nullable; a stranger's, any text) was not made with one of @keys, or
 * says something that is not understood: then it may restrict what a newer
 * minter thought of. The time it takes tells nothing about the MAC. */
gboolean wzp_token_open (WzpTokenKey *const *keys, guint n_keys,
    const char *token, WzpTokenClaims *ret_claims);

G_END_DECLS
