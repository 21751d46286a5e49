/* wzp-identity: an Ed25519 key: who a node is.
 *
 * Immutable once made, so any thread may use it. The seed is wiped when the
 * last reference goes. */
#pragma once

#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_SEED_LEN 32u /* bytes */

typedef struct _WzpIdentity WzpIdentity;

WzpIdentity *wzp_identity_new_ephemeral (void);
/* @key_seed: the Ed25519 private key's own 32 bytes (RFC 8032). */
WzpIdentity *wzp_identity_new_from_key (const guint8 key_seed[WZP_SEED_LEN]);
/* @master: derived by HKDF-SHA256, no salt, info `warzone-ed25519` (peers) or
 * `wzp-tls-ed25519` (relays). */
WzpIdentity *wzp_identity_new_from_seed (
    const guint8 master[WZP_SEED_LEN], const char *info);
/* A file with a PEM Ed25519 private key (PKCS#8), or exactly 32 bytes of
 * master seed (info `warzone-ed25519`). @create_missing: writes a new PEM file,
 * mode 0600, atomically; the folder must exist. Refuses a file with any
 * permission for group or others, an empty, huge or malformed one
 * (WZP_ERROR_INVALID), G_FILE_ERROR as it comes. */
WzpIdentity *wzp_identity_load (
    const char *path, gboolean create_missing, GError **error);
WzpIdentity *wzp_identity_ref (WzpIdentity *self);
void wzp_identity_unref (WzpIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpIdentity, wzp_identity_unref)

const guint8 *wzp_identity_get_public_key (const WzpIdentity *self);
const WzpFingerprint *wzp_identity_get_fingerprint (const WzpIdentity *self);
/* The Ed25519 private key's 32 bytes, for the TLS layer; owned by @self. */
const guint8 *wzp_identity_get_key_seed (const WzpIdentity *self);
void wzp_identity_sign (const WzpIdentity *self, GBytes *data,
    guint8 ret_signature[WZP_SIGNATURE_LEN]);
gboolean wzp_identity_verify (const guint8 public_key[WZP_PUBLIC_KEY_LEN],
    GBytes *data, const guint8 signature[WZP_SIGNATURE_LEN]);

G_END_DECLS
