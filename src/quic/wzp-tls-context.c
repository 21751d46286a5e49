#include "wzp-tls-context.h"

#include "wzp-error.h"
#include "wzp-tls-certificate.h"

/* AES first: every machine that carries video has instructions for it. */
#define PRIORITY                                                               \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"       \
  "+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"              \
  "+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE"

struct _WzpTlsContext {
  gatomicrefcount refs;
  gnutls_priority_t priority;                   /* owned */
  gnutls_certificate_credentials_t credentials; /* owned */
  gnutls_certificate_credentials_t with_system; /* owned, or NULL: the same and
                                                 * the system's CAs */
  gnutls_x509_crt_t certificate;                /* owned */
  gnutls_x509_privkey_t key;                    /* owned */
  GBytes *der;                                  /* owned */
  char *alpn;                                   /* owned, or NULL */
};

static gnutls_certificate_credentials_t
new_credentials (const WzpTlsContext *self)
{
  gnutls_certificate_credentials_t credentials;
  gnutls_x509_crt_t chain[] = { self->certificate };

  if (gnutls_certificate_allocate_credentials (&credentials) < 0)
    return NULL;
  if (gnutls_certificate_set_x509_key (credentials, chain, 1, self->key) < 0) {
    gnutls_certificate_free_credentials (credentials);
    return NULL;
  }
  return credentials;
}

WzpTlsContext *
wzp_tls_context_new (WzpIdentity *identity, const char *alpn, GError **error)
{
  g_autoptr (WzpTlsContext) self = g_new0 (WzpTlsContext, 1);
  gnutls_datum_t der = { NULL, 0 };
  int rv;

  g_return_val_if_fail (identity != NULL, NULL);

  g_atomic_ref_count_init (&self->refs);
  self->alpn = g_strdup (alpn);
  if (!wzp_tls_certificate_new (
          identity, &self->certificate, &self->key, error))
    return NULL;

  rv = gnutls_priority_init (&self->priority, PRIORITY, NULL);
  if (rv == 0)
    rv = gnutls_x509_crt_export2 (self->certificate, GNUTLS_X509_FMT_DER, &der);
  if (rv == 0) {
    self->der = g_bytes_new (der.data, der.size);
    gnutls_free (der.data);
    self->credentials = new_credentials (self);
  }
  if (self->credentials == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_FAILED,
        "TLS could not be set up: %s",
        gnutls_strerror (rv < 0 ? rv : GNUTLS_E_MEMORY_ERROR));
    return NULL;
  }
  return g_steal_pointer (&self);
}

WzpTlsContext *
wzp_tls_context_ref (WzpTlsContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
wzp_tls_context_unref (WzpTlsContext *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;

  if (self->credentials != NULL)
    gnutls_certificate_free_credentials (self->credentials);
  if (self->with_system != NULL)
    gnutls_certificate_free_credentials (self->with_system);
  if (self->certificate != NULL)
    gnutls_x509_crt_deinit (self->certificate);
  if (self->key != NULL)
    gnutls_x509_privkey_deinit (self->key);
  if (self->priority != NULL)
    gnutls_priority_deinit (self->priority);
  g_clear_pointer (&self->der, g_bytes_unref);
  g_free (self->alpn);
  g_free (self);
}

GBytes *
wzp_tls_context_get_certificate (const WzpTlsContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->der;
}

/* Reading the system's CAs takes milliseconds: only when one is asked for. */
gnutls_certificate_credentials_t
wzp_tls_context_get_credentials (WzpTlsContext *self, gboolean with_system)
{
  if (!with_system)
    return self->credentials;
  if (self->with_system == NULL) {
    self->with_system = new_credentials (self);
    if (self->with_system != NULL &&
        gnutls_certificate_set_x509_system_trust (self->with_system) < 0)
      g_debug ("the system has no CA certificates");
  }
  return self->with_system;
}

gnutls_priority_t
wzp_tls_context_get_priority (const WzpTlsContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->priority;
}

const char *
wzp_tls_context_get_alpn (const WzpTlsContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->alpn;
}
