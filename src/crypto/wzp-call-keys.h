/* wzp-call-keys: the key agreement of one call.
 *
 * X25519 over two ephemeral keys (RFC 7748), HKDF-SHA256 (RFC 5869) with the
 * call id as salt and a label (the info) for each use. Both sides compute the
 * same object; "a" is the side with the smaller ephemeral public key (bytes),
 * so a direction has one key on both sides. Secrets are wiped on free.
 *
 *   wzp punch        the MAC key of punches, both directions
 *   wzp seal key a   the sealing key of what "a" sends
 *   wzp seal iv a    its IV
 *   wzp seal key b   of what the other sends
 *   wzp seal iv b */
#pragma once

#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_SEAL_KEY_LEN  16u /* bytes, AES-128 */
#define WZP_SEAL_IV_LEN   12u /* bytes */
#define WZP_PUNCH_KEY_LEN 32u /* bytes */

typedef struct _WzpEphemeral WzpEphemeral; /* an X25519 key pair */

/* Its public key has the most significant bit set, which X25519 ignores (RFC
 * 7748, section 5): a word to the other side that the call's signature covers:
 * whoever sent this seals. So nobody on the way can make it look as if not. */
WzpEphemeral *wzp_ephemeral_new (void);
gboolean wzp_ephemeral_key_seals (
    const guint8 public_key[WZP_PUBLIC_KEY_LEN]);
/* @private_key: 32 bytes of a secret; clamped as RFC 7748, section 5 says. For
 * test vectors: a call takes a new key. */
WzpEphemeral *wzp_ephemeral_new_from_key (
    const guint8 private_key[WZP_PUBLIC_KEY_LEN]);
void wzp_ephemeral_free (WzpEphemeral *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpEphemeral, wzp_ephemeral_free)
const guint8 *wzp_ephemeral_get_public_key (const WzpEphemeral *self);

typedef struct {
  guint8 send_key[WZP_SEAL_KEY_LEN], send_iv[WZP_SEAL_IV_LEN];
  guint8 recv_key[WZP_SEAL_KEY_LEN], recv_iv[WZP_SEAL_IV_LEN];
  guint8 punch_key[WZP_PUNCH_KEY_LEN];
} WzpCallKeys;

/* FALSE and WZP_ERROR_PROTOCOL when the peer's key gives an all-zero secret
 * (RFC 7748, section 6.1) or equals our own; @ret_keys is then untouched. */
gboolean wzp_call_keys_derive (const WzpEphemeral *own,
    const guint8 peer_public[WZP_PUBLIC_KEY_LEN], const char *call_id,
    WzpCallKeys *ret_keys, GError **error);
void wzp_call_keys_wipe (WzpCallKeys *keys);

G_END_DECLS
