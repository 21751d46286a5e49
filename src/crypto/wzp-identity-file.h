/* wzp-identity-file: the file that an identity is kept in. For wzp-identity
 * only. */
#pragma once

#include "wzp-identity.h"

G_BEGIN_DECLS

#define WZP_IDENTITY_FILE_MAX (16u * 1024u) /* bytes; a key takes about 120 */

typedef enum {
  WZP_IDENTITY_FILE_KEY,    /* PEM: the Ed25519 private key itself */
  WZP_IDENTITY_FILE_MASTER, /* 32 raw bytes to derive it from */
} WzpIdentityFileKind;

/* @ret_seed is to be wiped by the caller. Errors as wzp_identity_load(). */
gboolean wzp_identity_file_read (const char *path, guint8 ret_seed[WZP_SEED_LEN],
    WzpIdentityFileKind *ret_kind, GError **error);
/* Writes a new PEM file, mode 0600: either the whole of it appears under @path
 * or nothing. G_FILE_ERROR_EXIST when there is one already. */
gboolean wzp_identity_file_create (const char *path,
    const guint8 key_seed[WZP_SEED_LEN],
    const guint8 public_key[WZP_PUBLIC_KEY_LEN], GError **error);

G_END_DECLS
