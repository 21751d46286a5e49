#include "wzp-tls.h"

#include "wzp-tls-certificate.h"
#include "wzp-tls-server-name.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <string.h>

/* No tickets and no early data: every connection proves both keys anew. One
 * key share: the first group is the one that everybody has. */
#define COMMON_FLAGS                                                           \
  (GNUTLS_NO_END_OF_EARLY_DATA | GNUTLS_NO_TICKETS | GNUTLS_KEY_SHARE_TOP)
#define CLIENT_FLAGS (GNUTLS_CLIENT | COMMON_FLAGS | GNUTLS_FORCE_CLIENT_CERT)
#define SERVER_FLAGS (GNUTLS_SERVER | COMMON_FLAGS | GNUTLS_NO_AUTO_SEND_TICKET)

/* quic_transport_parameters: at most this long, ours are about 100 bytes. */
#define MAX_PARAMETERS_LEN 256u

struct _WzpTls {
  WzpTlsContext *context;   /* owned */
  gnutls_session_t session; /* owned */
  ngtcp2_crypto_conn_ref conn_ref;
  ngtcp2_conn *ng; /* not owned, or NULL before it is bound */
  gboolean is_server;
  WzpTlsServerName server_name;
  WzpTlsPeer peer;
  GError *error; /* owned, or NULL */

  /* server */
  WzpTlsAdmitFunc admit;
  gpointer admit_data;

  /* client: what the server must be */
  gboolean has_expected_key, has_expected_fingerprint;
  guint8 expected_key[WZP_PUBLIC_KEY_LEN];
  WzpFingerprint expected_fingerprint;
  char *ca_host_name; /* owned, or NULL */
  gboolean (*verify) (const guint8 cert_sha256[32], const guint8 *key_or_null,
      gpointer user_data, GError **error);
  gpointer verify_data;
};

/* The peer's certificate */

static WzpTls *
get_tls (gnutls_session_t session)
{
  const ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr (session);

  return ref->user_data;
}

static void
read_peer (WzpTls *self)
{
  unsigned int n = 0;
  const gnutls_datum_t *chain =
      gnutls_certificate_get_peers (self->session, &n);

  memset (&self->peer, 0, sizeof self->peer);
  if (chain == NULL || n == 0)
    return;
  if (gnutls_hash_fast (GNUTLS_DIG_SHA256, chain[0].data, chain[0].size,
          self->peer.sha256) < 0)
    return;
  self->peer.has_certificate = TRUE;
  self->peer.has_key = wzp_tls_certificate_get_key (&chain[0], self->peer.key);
}

static gboolean
check_key (const WzpTls *self, GError **error)
{
  const WzpTlsPeer *peer = &self->peer;
  char expected[WZP_FINGERPRINT_STRLEN], found[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint fingerprint;

  if (!self->has_expected_key && !self->has_expected_fingerprint)
    return TRUE;

  if (!peer->has_key) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "The other side's certificate has no Ed25519 key");
    return FALSE;
  }

  wzp_fingerprint_of_key (peer->key, &fingerprint);
  if ((!self->has_expected_key ||
          memcmp (peer->key, self->expected_key, sizeof peer->key) == 0) &&
      (!self->has_expected_fingerprint ||
          wzp_fingerprint_equal (&fingerprint, &self->expected_fingerprint)))
    return TRUE;

  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "Not the expected key: it is %s, expected was %s",
      wzp_fingerprint_to_string (&fingerprint, found),
      wzp_fingerprint_to_string (&self->expected_fingerprint, expected));
  return FALSE;
}

static gboolean
check_host_name (const WzpTls *self, GError **error)
{
  unsigned int status = 0;
  gnutls_datum_t text = { NULL, 0 };
  int rv;

  if (self->ca_host_name == NULL)
    return TRUE;

  rv = gnutls_certificate_verify_peers3 (
      self->session, self->ca_host_name, &status);
  if (rv == 0 && status == 0)
    return TRUE;

  if (rv == 0)
    gnutls_certificate_verification_status_print (
        status, GNUTLS_CRT_X509, &text, 0);
  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "The certificate for %s is not good: %s", self->ca_host_name,
      text.data != NULL ? (const char *) text.data : gnutls_strerror (rv));
  gnutls_free (text.data);
  return FALSE;
}

static gboolean
check_own_rule (const WzpTls *self, GError **error)
{
  const WzpTlsPeer *peer = &self->peer;

  if (self->verify == NULL ||
      self->verify (peer->sha256, peer->has_key ? peer->key : NULL,
          self->verify_data, error))
    return TRUE;
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "The other side's certificate was refused");
  return FALSE;
}

static gboolean
check_alpn (const WzpTls *self, GError **error)
{
  const char *own = wzp_tls_context_get_alpn (self->context);
  gnutls_datum_t alpn = { NULL, 0 };

  if (own == NULL ||
      (gnutls_alpn_get_selected_protocol (self->session, &alpn) == 0 &&
          alpn.size == strlen (own) && memcmp (alpn.data, own, alpn.size) == 0))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
      "The other side does not speak %s", own);
  return FALSE;
}

/* Runs inside the handshake; nonzero becomes the alert bad_certificate. */
static int
on_verify (gnutls_session_t session)
{
  WzpTls *self = get_tls (session);

  read_peer (self);
  if (self->is_server)
    return 0;

  g_clear_error (&self->error);
  return self->peer.has_certificate && check_alpn (self, &self->error) &&
          check_key (self, &self->error) &&
          check_host_name (self, &self->error) &&
          check_own_rule (self, &self->error)
      ? 0
      : GNUTLS_E_CERTIFICATE_ERROR;
}

/* QUIC glue: what ngtcp2_crypto_gnutls_configure_*_session() does, but with
 * the transport parameters read in the first pass over the extensions, which
 * is when the server name is to be masked. */

static ngtcp2_conn *
get_conn (ngtcp2_crypto_conn_ref *ref)
{
  return ((WzpTls *) ref->user_data)->ng;
}

static int
on_secret (gnutls_session_t session, gnutls_record_encryption_level_t tls_level,
    const void *rx_secret, const void *tx_secret, size_t len)
{
  WzpTls *self = get_tls (session);
  ngtcp2_encryption_level level =
      ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level (tls_level);

  if (rx_secret != NULL &&
      ngtcp2_crypto_derive_and_install_rx_key (
          self->ng, NULL, NULL, NULL, level, rx_secret, len) != 0)
    return -1;
  if (tx_secret != NULL &&
      ngtcp2_crypto_derive_and_install_tx_key (
          self->ng, NULL, NULL, NULL, level, tx_secret, len) != 0)
    return -1;
  return 0;
}

static int
on_handshake_data (gnutls_session_t session,
    gnutls_record_encryption_level_t tls_level,
    gnutls_handshake_description_t type, const void *data, size_t len)
{
  WzpTls *self = get_tls (session);
  int rv;

  if (type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC)
    return 0; /* RFC 9001, section 8.4 */

  rv = ngtcp2_conn_submit_crypto_data (self->ng,
      ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level (tls_level),
      data, len);
  if (rv == 0)
    return 0;
  ngtcp2_conn_set_tls_error (self->ng, rv);
  return -1;
}

static int
on_alert (gnutls_session_t session, gnutls_record_encryption_level_t tls_level,
    gnutls_alert_level_t alert_level, gnutls_alert_description_t alert)
{
  ngtcp2_conn_set_tls_alert (get_tls (session)->ng, (guint8) alert);
  return 0;
}

static int
on_parameters (gnutls_session_t session, const unsigned char *data, size_t len)
{
  WzpTls *self = get_tls (session);
  int rv;

  wzp_tls_server_name_mask (&self->server_name, data);
  rv = ngtcp2_conn_decode_and_set_remote_transport_params (self->ng, data, len);
  if (rv == 0)
    return 0;
  ngtcp2_conn_set_tls_error (self->ng, rv);
  return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
}

static int
on_send_parameters (gnutls_session_t session, gnutls_buffer_t buffer)
{
  guint8 data[MAX_PARAMETERS_LEN];
  ngtcp2_ssize len = ngtcp2_conn_encode_local_transport_params (
      get_tls (session)->ng, data, sizeof data);

  if (len < 0)
    return GNUTLS_E_INTERNAL_ERROR;
  return gnutls_buffer_append_data (buffer, data, len);
}

static int
configure_quic (WzpTls *self)
{
  gnutls_session_t session = self->session;

  self->conn_ref =
      (ngtcp2_crypto_conn_ref){ .get_conn = get_conn, .user_data = self };
  gnutls_session_set_ptr (session, &self->conn_ref);
  gnutls_handshake_set_secret_function (session, on_secret);
  gnutls_handshake_set_read_function (session, on_handshake_data);
  gnutls_alert_set_read_function (session, on_alert);
  gnutls_session_set_verify_function (session, on_verify);
  return gnutls_session_ext_register (session, "quic_transport_parameters",
      NGTCP2_TLSEXT_QUIC_TRANSPORT_PARAMETERS_V1,
      self->is_server ? GNUTLS_EXT_VERSION_NEG : GNUTLS_EXT_TLS, on_parameters,
      on_send_parameters, NULL, NULL, NULL,
      GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_EE);
}

/* Sessions */

static int
on_hook (gnutls_session_t session, unsigned int type, unsigned int when,
    unsigned int incoming, const gnutls_datum_t *message)
{
  if (incoming)
    wzp_tls_server_name_read (&get_tls (session)->server_name, message);
  return 0;
}

static int
on_client_hello (gnutls_session_t session)
{
  WzpTls *self = get_tls (session);
  const char *name = self->server_name.name;

  /* GnuTLS looks only at a list that does not match, not for a missing one
   * (RFC 9001, section 8.1). */
  g_clear_error (&self->error);
  if (!check_alpn (self, &self->error))
    return GNUTLS_E_NO_APPLICATION_PROTOCOL;
  if (name == NULL || strlen (name) > WZP_TLS_MAX_SERVER_NAME) {
    self->error = g_error_new_literal (
        WZP_ERROR, WZP_ERROR_PROTOCOL, "The client named no server");
    return GNUTLS_E_UNRECOGNIZED_NAME;
  }
  if (self->admit != NULL && !self->admit (name, self->admit_data)) {
    self->error = g_error_new (
        WZP_ERROR, WZP_ERROR_REJECTED, "A client of %s was not admitted", name);
    return GNUTLS_E_UNRECOGNIZED_NAME;
  }
  return 0;
}

static int
set_alpn (WzpTls *self)
{
  const char *own = wzp_tls_context_get_alpn (self->context);
  const gnutls_datum_t alpn = {
    .data = (guint8 *) own,
    .size = own != NULL ? strlen (own) : 0,
  };

  if (own == NULL)
    return 0;
  return gnutls_alpn_set_protocols (
      self->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
}

static WzpTls *
new_tls (WzpTlsContext *context, gboolean is_server)
{
  g_autoptr (WzpTls) self = g_new0 (WzpTls, 1);

  self->context = wzp_tls_context_ref (context);
  self->is_server = is_server;
  if (gnutls_init (&self->session, is_server ? SERVER_FLAGS : CLIENT_FLAGS) <
          0 ||
      gnutls_priority_set (
          self->session, wzp_tls_context_get_priority (context)) < 0 ||
      set_alpn (self) < 0 || configure_quic (self) < 0)
    return NULL;
  return g_steal_pointer (&self);
}

WzpTls *
wzp_tls_new_server (
    WzpTlsContext *context, WzpTlsAdmitFunc admit, gpointer user_data)
{
  WzpTls *self;

  g_return_val_if_fail (context != NULL, NULL);

  self = new_tls (context, TRUE);
  if (self == NULL)
    return NULL;

  self->admit = admit;
  self->admit_data = user_data;
  gnutls_credentials_set (self->session, GNUTLS_CRD_CERTIFICATE,
      wzp_tls_context_get_credentials (context, FALSE));
  gnutls_certificate_server_set_request (self->session, GNUTLS_CERT_REQUEST);
  gnutls_handshake_set_hook_function (
      self->session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, on_hook);
  gnutls_handshake_set_post_client_hello_function (
      self->session, on_client_hello);
  return self;
}

static gboolean
check_options (const WzpDialOptions *options, GError **error)
{
  const char *name = options->server_name;
  gboolean is_good = name != NULL && name[0] != '\0' &&
      strlen (name) <= WZP_TLS_MAX_SERVER_NAME;

  for (const char *c = name; is_good && *c != '\0'; c++)
    is_good = g_ascii_isgraph (*c);
  if (!is_good) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%s\" cannot be a server name", name != NULL ? name : "");
    return FALSE;
  }
  if (options->expect_key == NULL && options->expect_fingerprint == NULL &&
      options->ca_host_name == NULL && options->verify == NULL) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Nothing says who the server must be");
    return FALSE;
  }
  return TRUE;
}

static void
copy_options (WzpTls *self, const WzpDialOptions *options)
{
  self->server_name.name = g_strdup (options->server_name);
  self->ca_host_name = g_strdup (options->ca_host_name);
  self->verify = options->verify;
  self->verify_data = options->verify_data;
  if (options->expect_key != NULL) {
    self->has_expected_key = TRUE;
    memcpy (self->expected_key, options->expect_key, WZP_PUBLIC_KEY_LEN);
    wzp_fingerprint_of_key (self->expected_key, &self->expected_fingerprint);
  }
  if (options->expect_fingerprint != NULL) {
    self->has_expected_fingerprint = TRUE;
    self->expected_fingerprint = *options->expect_fingerprint;
  }
}

WzpTls *
wzp_tls_new_client (
    WzpTlsContext *context, const WzpDialOptions *options, GError **error)
{
  g_autoptr (WzpTls) self = NULL;
  gnutls_certificate_credentials_t credentials;

  g_return_val_if_fail (context != NULL && options != NULL, NULL);

  if (!check_options (options, error))
    return NULL;

  credentials =
      wzp_tls_context_get_credentials (context, options->ca_host_name != NULL);
  self = new_tls (context, FALSE);
  if (self == NULL || credentials == NULL ||
      gnutls_credentials_set (
          self->session, GNUTLS_CRD_CERTIFICATE, credentials) < 0 ||
      gnutls_server_name_set (self->session, GNUTLS_NAME_DNS,
          options->server_name, strlen (options->server_name)) < 0) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_FAILED, "TLS could not be set up");
    return NULL;
  }
  copy_options (self, options);
  return g_steal_pointer (&self);
}

void
wzp_tls_free (WzpTls *self)
{
  if (self == NULL)
    return;

  if (self->session != NULL)
    gnutls_deinit (self->session);
  wzp_tls_server_name_clear (&self->server_name);
  g_clear_error (&self->error);
  g_free (self->ca_host_name);
  wzp_tls_context_unref (self->context);
  g_free (self);
}

void
wzp_tls_bind (WzpTls *self, ngtcp2_conn *ng)
{
  g_return_if_fail (self != NULL && ng != NULL);

  self->ng = ng;
  ngtcp2_conn_set_tls_native_handle (ng, self->session);
}

gnutls_session_t
wzp_tls_get_session (const WzpTls *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->session;
}

const char *
wzp_tls_get_server_name (const WzpTls *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->server_name.name;
}

const WzpTlsPeer *
wzp_tls_get_peer (const WzpTls *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return &self->peer;
}

const GError *
wzp_tls_get_error (const WzpTls *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->error;
}
