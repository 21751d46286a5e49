/* wzp-description: what one side must know of the other to call it without a
 * relay's signalling (mode=app): keys, call nonce, candidates. Pure value.
 *
 * Built by a node when its candidates are gathered; carried by the application
 * as a GstStructure (gst-plugin/gstwzpcandidates). */
#pragma once

#include "wzp-candidate.h"
#include "wzp-error.h"
#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_DESCRIPTION_NONCE_LEN 32u /* hex digits */

typedef struct {
  guint8 identity[WZP_PUBLIC_KEY_LEN];
  guint8 ephemeral[WZP_PUBLIC_KEY_LEN];
  guint8 signature[WZP_SIGNATURE_LEN]; /* by identity over ephemeral || nonce */
  char *nonce;     /* owned, hex text; both sides' together name the call */
  char *reflexive; /* owned, nullable */
  char **local;    /* owned, NULL-terminated, nullable */
  char *relay;     /* owned, nullable: host:port this side uses */
} WzpDescription;

WzpDescription *wzp_description_new (void);
WzpDescription *wzp_description_copy (const WzpDescription *self);
void wzp_description_free (WzpDescription *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpDescription, wzp_description_free)

/* What `signature` covers (transfer full). `nonce` must be set. */
GBytes *wzp_description_signed (const WzpDescription *self);

/* Bounds and text forms, and that the signature is right. WZP_ERROR_INVALID or
 * WZP_ERROR_IDENTITY. Bad candidates are not an error here: they are dropped
 * one by one later. */
gboolean wzp_description_check (const WzpDescription *self, GError **error);

G_END_DECLS
