/* wzp-tls-context: what all TLS sessions of an endpoint share: the credentials
 * made from its identity, the ciphers, the protocol's name. */
#pragma once

#include "wzp-identity.h"

#include <gnutls/gnutls.h>

G_BEGIN_DECLS

typedef struct _WzpTlsContext WzpTlsContext;

/* Reference counted, because connections outlive their endpoint. @alpn: the one
 * protocol that is spoken, mandatory on both sides; NULL: none is named. */
WzpTlsContext *wzp_tls_context_new (
    WzpIdentity *identity, const char *alpn, GError **error);
WzpTlsContext *wzp_tls_context_ref (WzpTlsContext *self);
void wzp_tls_context_unref (WzpTlsContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpTlsContext, wzp_tls_context_unref)
/* Our certificate, DER. */
GBytes *wzp_tls_context_get_certificate (const WzpTlsContext *self);
/* @with_system: also with the system's CAs, which are read at the first call.
 * NULL when there is no memory. */
gnutls_certificate_credentials_t wzp_tls_context_get_credentials (
    WzpTlsContext *self, gboolean with_system);
gnutls_priority_t wzp_tls_context_get_priority (const WzpTlsContext *self);
const char *wzp_tls_context_get_alpn (const WzpTlsContext *self);

G_END_DECLS
