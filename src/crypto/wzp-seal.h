/* wzp-seal: seals and opens media datagrams on the relay path, end to end.
 *
 * AES-128-GCM; nonce = iv XOR number (as QUIC does, RFC 9001, section 5.3);
 * the datagram's clear prefix is the additional data. A number never seals two
 * different texts: that is the caller's rule. */
#pragma once

#include "wzp-call-keys.h"

#include <sys/uio.h>

G_BEGIN_DECLS

#define WZP_SEAL_TAG_LEN 16u /* bytes */

typedef struct _WzpSeal WzpSeal; /* one direction; not thread-safe */

WzpSeal *wzp_seal_new (const guint8 key[WZP_SEAL_KEY_LEN],
    const guint8 iv[WZP_SEAL_IV_LEN]);
void wzp_seal_free (WzpSeal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpSeal, wzp_seal_free)

/* Seals the text in @iov into @out, which must have room for the text and
 * WZP_SEAL_TAG_LEN and not overlap the text; returns the bytes written. The
 * @prefix may stand right before @out. */
gsize wzp_seal_seal (WzpSeal *self, guint64 number, const guint8 *prefix,
    gsize prefix_len, const struct iovec *iov, int n_iov, guint8 *out);
/* Opens @len bytes at @sealed into @out (room for @len - tag; may be @sealed).
 * FALSE: not authentic; @out is then not to be used. */
gboolean wzp_seal_open (WzpSeal *self, guint64 number, const guint8 *prefix,
    gsize prefix_len, const guint8 *sealed, gsize len, guint8 *out);

G_END_DECLS
