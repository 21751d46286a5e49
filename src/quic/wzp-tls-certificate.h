/* wzp-tls-certificate: the certificate made from an identity key, and the key
 * read out of one. Pure. */
#pragma once

#include "wzp-identity.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/* A self-signed X.509 certificate; the same bytes for the same key. The caller
 * frees both by gnutls_x509_crt_deinit() and gnutls_x509_privkey_deinit(). */
gboolean wzp_tls_certificate_new (WzpIdentity *identity,
    gnutls_x509_crt_t *ret_certificate, gnutls_x509_privkey_t *ret_key,
    GError **error);
/* FALSE: @der is no certificate, or its key is not Ed25519. */
gboolean wzp_tls_certificate_get_key (
    const gnutls_datum_t *der, guint8 ret_key[WZP_PUBLIC_KEY_LEN]);

G_END_DECLS
