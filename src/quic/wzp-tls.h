/* wzp-tls: the TLS 1.3 side of a connection: who we are, who the peer is.
 *
 * Both sides show a self-signed Ed25519 certificate whose key is the identity
 * key; it is made in memory and always the same for one key, so that its
 * SHA-256 can be pinned. The server asks for one and takes a client without.
 * What a client expects of the server is checked inside the handshake: a
 * failure is a TLS alert. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-tls-context.h"

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>

G_BEGIN_DECLS

/* Longest server name, bytes (RFC 1035, section 2.3.4, is lower: our names are
 * not host names). */
#define WZP_TLS_MAX_SERVER_NAME 255u

typedef struct _WzpTls WzpTls;               /* one handshake */

/* @options are copied. WZP_ERROR_INVALID: no usable server name, or nothing
 * that says who the server must be. */
WzpTls *wzp_tls_new_client (
    WzpTlsContext *context, const WzpDialOptions *options, GError **error);
/* Called as soon as the ClientHello is read; FALSE refuses it. */
typedef gboolean (*WzpTlsAdmitFunc) (
    const char *server_name, gpointer user_data);
WzpTls *wzp_tls_new_server (
    WzpTlsContext *context, WzpTlsAdmitFunc admit, gpointer user_data);
void wzp_tls_free (WzpTls *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpTls, wzp_tls_free)

/* Makes it the TLS of @ng, which must live as long. */
void wzp_tls_bind (WzpTls *self, ngtcp2_conn *ng);

/* GnuTLS's side of it, owned by @self. */
gnutls_session_t wzp_tls_get_session (const WzpTls *self);

/* Server: what the client named, NULL before; client: what it asked for. */
const char *wzp_tls_get_server_name (const WzpTls *self);

typedef struct {
  gboolean has_certificate;
  guint8 sha256[32]; /* over the DER */
  gboolean has_key;  /* it is an Ed25519 one */
  guint8 key[WZP_PUBLIC_KEY_LEN];
} WzpTlsPeer;

/* To be believed only once the handshake is done. */
const WzpTlsPeer *wzp_tls_get_peer (const WzpTls *self);
/* Why our own rule refused the peer; NULL: it did not. */
const GError *wzp_tls_get_error (const WzpTls *self);

G_END_DECLS
