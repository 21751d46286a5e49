#include "wzp-tls-server-name.h"

#include <string.h>

#define EXTENSION_SERVER_NAME 0 /* RFC 6066, section 3 */
#define NAME_TYPE_HOST_NAME   0

void
wzp_tls_server_name_clear (WzpTlsServerName *self)
{
  g_clear_pointer (&self->name, g_free);
  self->message = NULL;
}

/* The ServerNameList: a 16-bit length, then entries of a type byte, a 16-bit
 * length and the name. Only the first host name counts. */
static gboolean
find_name (const guint8 *data, gsize size, gsize *ret_offset, gsize *ret_len)
{
  gsize at = 2;

  if (size < 2 || (gsize) (data[0] << 8 | data[1]) != size - 2)
    return FALSE;

  while (size - at >= 3) {
    gsize len = (gsize) data[at + 1] << 8 | data[at + 2];

    if (len == 0 || len > size - at - 3)
      return FALSE;
    if (data[at] == NAME_TYPE_HOST_NAME) {
      *ret_offset = at + 3;
      *ret_len = len;
      return TRUE;
    }
    at += 3 + len;
  }
  return FALSE;
}

static int
on_extension (
    void *context, unsigned int tls_id, const guint8 *data, unsigned int size)
{
  WzpTlsServerName *self = context;
  gsize offset, len;

  if (tls_id != EXTENSION_SERVER_NAME || self->name != NULL ||
      !find_name (data, size, &offset, &len))
    return 0;

  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isgraph (data[offset + i]))
      return 0;
  self->name = g_strndup ((const char *) data + offset, len);
  self->offset = data + offset - self->message;
  self->len = len;
  return 0;
}

void
wzp_tls_server_name_read (
    WzpTlsServerName *self, const gnutls_datum_t *client_hello)
{
  wzp_tls_server_name_clear (self);

  self->message = client_hello->data;
  self->message_len = client_hello->size;
  gnutls_ext_raw_parse (
      self, on_extension, client_hello, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
}

void
wzp_tls_server_name_mask (WzpTlsServerName *self, const guint8 *inside)
{
  guint8 *text;

  /* Only when it is the very memory that was read: a GnuTLS that copies the
   * message refuses underscores, but is not written over. */
  if (self->name == NULL || self->message == NULL || inside < self->message ||
      inside >= self->message + self->message_len)
    return;

  text = self->message + self->offset;
  self->message = NULL; /* not ours beyond this call */
  if (memcmp (text, self->name, self->len) != 0)
    return;
  for (gsize i = 0; i < self->len; i++)
    if (!g_ascii_isalnum (text[i]) && text[i] != '.')
      text[i] = '-';
}
