#include "message-text.h"

#include <string.h>

#include "wzp-error.h"

char *
text_bytes (guint n, guint value)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? "," : "", value);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

char *
text_expand (const char *json)
{
  static const struct {
    const char *token;
    guint n, value;
  } tokens[] = { { "$I", 32, 161 }, { "$E", 32, 0 }, { "$S", 64, 255 } };
  GString *text = g_string_new (json);

  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    g_autofree char *array = text_bytes (tokens[i].n, tokens[i].value);

    g_string_replace (text, tokens[i].token, array, 0);
  }
  return g_string_free (text, FALSE);
}

WzpMessage *
text_parse (const char *json, GError **error)
{
  /* Of the exact size, for a sanitizer to see a step too far. */
  g_autofree char *copy = g_memdup2 (json, strlen (json));

  return wzp_message_parse (copy != NULL ? copy : "", strlen (json), error);
}

WzpMessage *
text_parse_ok (const char *json)
{
  g_autofree char *text = text_expand (json);
  g_autoptr (GError) error = NULL;
  WzpMessage *message = text_parse (text, &error);

  g_test_message ("%.300s", json);
  g_assert_no_error (error);
  return message;
}

void
text_assert_refused (const char *json, const char *why)
{
  g_autofree char *text = text_expand (json);
  g_autoptr (GError) error = NULL;

  g_test_message ("%.300s", json);
  g_assert_null (text_parse (text, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, why));
}
