#include "wzp-identity-file.h"

#include "wzp-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  gnutls_x509_privkey_t key;
} PrivateKey;

static void
private_key_clear (PrivateKey *self)
{
  if (self->key != NULL)
    gnutls_x509_privkey_deinit (self->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PrivateKey, private_key_clear)

/* A secret that GnuTLS allocated. */
typedef gnutls_datum_t SecretDatum;

static void
secret_datum_clear (SecretDatum *self)
{
  if (self->data == NULL)
    return;
  gnutls_memset (self->data, 0, self->size);
  gnutls_free (self->data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SecretDatum, secret_datum_clear)

static gboolean
fail_errno (GError **error, const char *verb, const char *path)
{
  int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
      "Cannot %s identity file %s: %s", verb, path, g_strerror (code));
  return FALSE;
}

static gboolean
fail_gnutls (GError **error, const char *path, int code)
{
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "Identity file %s holds no usable PEM private key (PKCS#8, without "
      "password): %s",
      path, gnutls_strerror (code));
  return FALSE;
}

static gboolean
check_file (int fd, const char *path, GError **error)
{
  struct stat info;

  if (fstat (fd, &info) < 0)
    return fail_errno (error, "examine", path);
  if (!S_ISREG (info.st_mode)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Identity file %s is not a regular file", path);
    return FALSE;
  }
  if (info.st_mode & (S_IRWXG | S_IRWXO)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Identity file %s may be used by others (mode %04o, 0600 is needed)",
        path, (guint) (info.st_mode & 07777));
    return FALSE;
  }
  return TRUE;
}

/* Reads all of it, at most WZP_IDENTITY_FILE_MAX bytes. */
static gboolean
read_all (int fd, const char *path, guint8 *buf, gsize *ret_len, GError **error)
{
  gsize len = 0;

  for (;;) {
    /* One byte more than allowed, to tell a full file from a huge one. */
    gssize n = read (fd, buf + len, WZP_IDENTITY_FILE_MAX + 1 - len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno (error, "read", path);
    if (n == 0)
      break;
    len += n;
    if (len > WZP_IDENTITY_FILE_MAX) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
          "Identity file %s is larger than %u bytes", path,
          WZP_IDENTITY_FILE_MAX);
      return FALSE;
    }
  }

  *ret_len = len;
  return TRUE;
}

static gboolean
read_file (const char *path, guint8 *buf, gsize *ret_len, GError **error)
{
  /* Not waiting for the writer, should it be a FIFO. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  gboolean ok;

  if (fd < 0)
    return fail_errno (error, "open", path);
  ok = check_file (fd, path, error) && read_all (fd, path, buf, ret_len, error);
  close (fd);
  return ok;
}

static gboolean
parse_pem (const char *path, guint8 *buf, gsize len,
    guint8 ret_seed[WZP_SEED_LEN], GError **error)
{
  const gnutls_datum_t pem = { .data = buf, .size = len };
  g_auto (PrivateKey) privkey = { NULL };
  g_auto (SecretDatum) k = { NULL };
  g_auto (SecretDatum) x = { NULL };
  gnutls_ecc_curve_t curve;
  int code;

  code = gnutls_x509_privkey_init (&privkey.key);
  if (code >= 0)
    code = gnutls_x509_privkey_import_pkcs8 (
        privkey.key, &pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
  if (code < 0)
    return fail_gnutls (error, path, code);

  code = gnutls_x509_privkey_get_pk_algorithm (privkey.key);
  if (code != GNUTLS_PK_EDDSA_ED25519) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Identity file %s holds a key of type %s, Ed25519 is needed", path,
        code < 0 ? "unknown" : gnutls_pk_algorithm_get_name (code));
    return FALSE;
  }

  code = gnutls_x509_privkey_export_ecc_raw (privkey.key, &curve, &x, NULL, &k);
  if (code < 0)
    return fail_gnutls (error, path, code);
  if (k.size != WZP_SEED_LEN)
    return fail_gnutls (error, path, GNUTLS_E_ILLEGAL_PARAMETER);

  memcpy (ret_seed, k.data, WZP_SEED_LEN);
  return TRUE;
}

static gboolean
format_pem (const guint8 key_seed[WZP_SEED_LEN],
    const guint8 public_key[WZP_PUBLIC_KEY_LEN], SecretDatum *ret_pem)
{
  const gnutls_datum_t x = { .data = (guint8 *) public_key,
    .size = WZP_PUBLIC_KEY_LEN };
  const gnutls_datum_t k = { .data = (guint8 *) key_seed,
    .size = WZP_SEED_LEN };
  g_auto (PrivateKey) privkey = { NULL };

  return gnutls_x509_privkey_init (&privkey.key) >= 0 &&
      gnutls_x509_privkey_import_ecc_raw (
          privkey.key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k) >= 0 &&
      gnutls_x509_privkey_export2_pkcs8 (privkey.key, GNUTLS_X509_FMT_PEM, NULL,
          GNUTLS_PKCS_PLAIN, ret_pem) >= 0;
}

static gboolean
write_all (int fd, const guint8 *data, gsize len)
{
  while (len > 0) {
    gssize n = write (fd, data, len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    len -= n;
  }
  return fsync (fd) == 0;
}

gboolean
wzp_identity_file_read (const char *path, guint8 ret_seed[WZP_SEED_LEN],
    WzpIdentityFileKind *ret_kind, GError **error)
{
  guint8 buf[WZP_IDENTITY_FILE_MAX + 1];
  gsize len = 0;
  gboolean ok;

  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (ret_seed != NULL && ret_kind != NULL, FALSE);

  ok = read_file (path, buf, &len, error);
  if (ok && len == 0) {
    g_set_error (
        error, WZP_ERROR, WZP_ERROR_INVALID, "Identity file %s is empty", path);
    ok = FALSE;
  } else if (ok && len == WZP_SEED_LEN) {
    memcpy (ret_seed, buf, WZP_SEED_LEN);
    *ret_kind = WZP_IDENTITY_FILE_MASTER;
  } else if (ok) {
    ok = parse_pem (path, buf, len, ret_seed, error);
    *ret_kind = WZP_IDENTITY_FILE_KEY;
  }

  gnutls_memset (buf, 0, sizeof buf);
  return ok;
}

gboolean
wzp_identity_file_create (const char *path, const guint8 key_seed[WZP_SEED_LEN],
    const guint8 public_key[WZP_PUBLIC_KEY_LEN], GError **error)
{
  g_autofree char *temporary = NULL;
  g_auto (SecretDatum) pem = { NULL };
  gboolean ok;
  int fd;

  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (key_seed != NULL && public_key != NULL, FALSE);

  if (!format_pem (key_seed, public_key, &pem)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_FAILED,
        "Cannot write identity file %s: no PEM made", path);
    return FALSE;
  }

  temporary = g_strconcat (path, ".XXXXXX", NULL);
  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_errno (error, "create", path);

  /* link(), unlike rename(), never takes the place of another's file. */
  ok = write_all (fd, pem.data, pem.size) && link (temporary, path) == 0;
  if (!ok)
    fail_errno (error, "create", path);
  close (fd);
  unlink (temporary);
  return ok;
}
