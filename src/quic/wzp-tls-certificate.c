#include "wzp-tls-certificate.h"

#include "wzp-error.h"

#include <gnutls/abstract.h>
#include <string.h>

/* Fixed, so that the certificate of one key is always the same: 2020-01-01 and
 * 2100-01-01, seconds. Nobody checks them but an ordinary TLS library. */
#define NOT_BEFORE G_GINT64_CONSTANT (1577836800)
#define NOT_AFTER  G_GINT64_CONSTANT (4102444800)

#define NAME       "wzp"
#define SERIAL_LEN 16u /* bytes; at most 20 (RFC 5280, section 4.1.2.2) */

static int
import_key (WzpIdentity *identity, gnutls_x509_privkey_t key)
{
  gnutls_datum_t x = {
    .data = (guint8 *) wzp_identity_get_public_key (identity),
    .size = WZP_PUBLIC_KEY_LEN,
  };
  gnutls_datum_t k = {
    .data = (guint8 *) wzp_identity_get_key_seed (identity),
    .size = WZP_SEED_LEN,
  };

  return gnutls_x509_privkey_import_ecc_raw (
      key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k);
}

static int
fill_certificate (gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
    const WzpFingerprint *fingerprint)
{
  guint8 serial[SERIAL_LEN];
  int rv;

  G_STATIC_ASSERT (SERIAL_LEN == WZP_FINGERPRINT_LEN);
  memcpy (serial, fingerprint->bytes, sizeof serial);
  serial[0] = (serial[0] & 0x7f) | 0x40; /* positive and not short */

  if ((rv = gnutls_x509_crt_set_version (crt, 3)) < 0 ||
      (rv = gnutls_x509_crt_set_key (crt, key)) < 0 ||
      (rv = gnutls_x509_crt_set_serial (crt, serial, sizeof serial)) < 0 ||
      (rv = gnutls_x509_crt_set_activation_time (crt, NOT_BEFORE)) < 0 ||
      (rv = gnutls_x509_crt_set_expiration_time (crt, NOT_AFTER)) < 0 ||
      (rv = gnutls_x509_crt_set_dn (crt, "CN=" NAME, NULL)) < 0 ||
      (rv = gnutls_x509_crt_set_subject_alt_name (
           crt, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME), GNUTLS_FSAN_SET)) < 0)
    return rv;
  /* The hash is part of Ed25519; GnuTLS wants this one named. */
  return gnutls_x509_crt_sign2 (crt, crt, key, GNUTLS_DIG_SHA512, 0);
}

gboolean
wzp_tls_certificate_new (WzpIdentity *identity,
    gnutls_x509_crt_t *ret_certificate, gnutls_x509_privkey_t *ret_key,
    GError **error)
{
  gnutls_x509_crt_t crt = NULL;
  gnutls_x509_privkey_t key = NULL;
  int rv;

  g_return_val_if_fail (identity != NULL, FALSE);

  if ((rv = gnutls_x509_crt_init (&crt)) == 0 &&
      (rv = gnutls_x509_privkey_init (&key)) == 0 &&
      (rv = import_key (identity, key)) == 0 &&
      (rv = fill_certificate (
           crt, key, wzp_identity_get_fingerprint (identity))) == 0) {
    *ret_certificate = crt;
    *ret_key = key;
    return TRUE;
  }

  g_set_error (error, WZP_ERROR, WZP_ERROR_FAILED,
      "No certificate could be made: %s", gnutls_strerror (rv));
  if (crt != NULL)
    gnutls_x509_crt_deinit (crt);
  if (key != NULL)
    gnutls_x509_privkey_deinit (key);
  return FALSE;
}

static gboolean
export_key (gnutls_pubkey_t pubkey, guint8 ret_key[WZP_PUBLIC_KEY_LEN])
{
  gnutls_ecc_curve_t curve;
  gnutls_datum_t x = { NULL, 0 };
  gboolean is_ed25519;

  if (gnutls_pubkey_get_pk_algorithm (pubkey, NULL) != GNUTLS_PK_EDDSA_ED25519)
    return FALSE;
  if (gnutls_pubkey_export_ecc_raw2 (pubkey, &curve, &x, NULL, 0) < 0)
    return FALSE;

  is_ed25519 =
      curve == GNUTLS_ECC_CURVE_ED25519 && x.size == WZP_PUBLIC_KEY_LEN;
  if (is_ed25519)
    memcpy (ret_key, x.data, WZP_PUBLIC_KEY_LEN);
  gnutls_free (x.data);
  return is_ed25519;
}

gboolean
wzp_tls_certificate_get_key (
    const gnutls_datum_t *der, guint8 ret_key[WZP_PUBLIC_KEY_LEN])
{
  gnutls_x509_crt_t crt = NULL;
  gnutls_pubkey_t pubkey = NULL;
  gboolean has_key = FALSE;

  g_return_val_if_fail (der != NULL, FALSE);

  if (gnutls_x509_crt_init (&crt) < 0)
    return FALSE;
  if (gnutls_pubkey_init (&pubkey) == 0 &&
      gnutls_x509_crt_import (crt, der, GNUTLS_X509_FMT_DER) == 0 &&
      gnutls_pubkey_import_x509 (pubkey, crt, 0) == 0)
    has_key = export_key (pubkey, ret_key);

  if (pubkey != NULL)
    gnutls_pubkey_deinit (pubkey);
  gnutls_x509_crt_deinit (crt);
  return has_key;
}
