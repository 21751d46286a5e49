#include "wzp-description.h"

#include "wzp-identity.h"
#include "wzp-message.h"

WzpDescription *
wzp_description_new (void)
{
  return g_new0 (WzpDescription, 1);
}

WzpDescription *
wzp_description_copy (const WzpDescription *self)
{
  WzpDescription *copy = g_new (WzpDescription, 1);

  *copy = *self;
  copy->nonce = g_strdup (self->nonce);
  copy->reflexive = g_strdup (self->reflexive);
  copy->local = g_strdupv (self->local);
  copy->relay = g_strdup (self->relay);
  return copy;
}

void
wzp_description_free (WzpDescription *self)
{
  g_free (self->nonce);
  g_free (self->reflexive);
  g_strfreev (self->local);
  g_free (self->relay);
  g_free (self);
}

static gboolean
nonce_is_valid (const char *nonce)
{
  if (nonce == NULL || strlen (nonce) != WZP_DESCRIPTION_NONCE_LEN)
    return FALSE;
  for (const char *p = nonce; *p != '\0'; p++) {
    if (!g_ascii_isxdigit (*p) || g_ascii_isupper (*p))
      return FALSE;
  }
  return TRUE;
}

GBytes *
wzp_description_signed (const WzpDescription *self)
{
  GByteArray *data = g_byte_array_new ();

  g_byte_array_append (data, self->ephemeral, WZP_PUBLIC_KEY_LEN);
  g_byte_array_append (
      data, (const guint8 *) self->nonce, strlen (self->nonce));
  return g_byte_array_free_to_bytes (data);
}

gboolean
wzp_description_check (const WzpDescription *self, GError **error)
{
  g_autoptr (GBytes) data = NULL;

  if (!nonce_is_valid (self->nonce)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "The call nonce is not %u lower-case hex digits",
        WZP_DESCRIPTION_NONCE_LEN);
    return FALSE;
  }
  if (self->local != NULL &&
      g_strv_length (self->local) > WZP_MESSAGE_MAX_ADDRS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%u local candidates, at most %u are allowed",
        g_strv_length (self->local), WZP_MESSAGE_MAX_ADDRS);
    return FALSE;
  }
  data = wzp_description_signed (self);
  if (!wzp_identity_verify (self->identity, data, self->signature)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "The candidates are not signed by the identity that they name");
    return FALSE;
  }
  return TRUE;
}
