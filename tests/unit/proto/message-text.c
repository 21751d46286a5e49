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

static void
assert_strv (char **a, char **b)
{
  g_assert_cmpuint (a ? g_strv_length (a) : 0, ==, b ? g_strv_length (b) : 0);
  for (guint i = 0; a != NULL && a[i] != NULL; i++)
    g_assert_cmpstr (a[i], ==, b[i]);
}

static void
assert_participants (const WzpMessage *a, const WzpMessage *b)
{
  g_assert_cmpuint (a->n_participants, ==, b->n_participants);
  for (guint i = 0; i < a->n_participants; i++) {
    const WzpParticipant *one = &a->participants[i];
    const WzpParticipant *other = &b->participants[i];

    g_assert_true (
        wzp_fingerprint_equal (&one->fingerprint, &other->fingerprint));
    g_assert_cmpstr (one->alias, ==, other->alias);
    g_assert_cmpstr (one->relay_label, ==, other->relay_label);
  }
}

void
text_assert_equal (const WzpMessage *a, const WzpMessage *b)
{
  g_assert_cmpstr (wzp_message_type_to_string (a->type), ==,
      wzp_message_type_to_string (b->type));
  g_assert_cmpstr (a->call_id, ==, b->call_id);
  g_assert_cmpint (a->has_identity_pub, ==, b->has_identity_pub);
  g_assert_cmpmem (a->identity_pub, 32, b->identity_pub, 32);
  g_assert_cmpint (a->has_ephemeral_pub, ==, b->has_ephemeral_pub);
  g_assert_cmpmem (a->ephemeral_pub, 32, b->ephemeral_pub, 32);
  g_assert_cmpint (a->has_signature, ==, b->has_signature);
  g_assert_cmpmem (a->signature, 64, b->signature, 64);
  g_assert_cmpstr (a->alias, ==, b->alias);
  g_assert_cmpstr (a->token, ==, b->token);
  g_assert_cmpint (a->success, ==, b->success);
  g_assert_cmpstr (a->error, ==, b->error);
  g_assert_cmpstr (a->observed_addr, ==, b->observed_addr);
  g_assert_cmpint (a->has_caller_fp, ==, b->has_caller_fp);
  g_assert_true (wzp_fingerprint_equal (&a->caller_fp, &b->caller_fp));
  g_assert_cmpint (a->has_target_fp, ==, b->has_target_fp);
  g_assert_true (wzp_fingerprint_equal (&a->target_fp, &b->target_fp));
  g_assert_cmpstr (a->reflexive_addr, ==, b->reflexive_addr);
  assert_strv (a->local_addrs, b->local_addrs);
  g_assert_cmpint (a->accept_mode, ==, b->accept_mode);
  g_assert_cmpstr (a->room, ==, b->room);
  g_assert_cmpstr (a->relay_addr, ==, b->relay_addr);
  g_assert_cmpint (a->direct_ok, ==, b->direct_ok);
  g_assert_cmpint (a->winner_is_direct, ==, b->winner_is_direct);
  g_assert_cmpstr (a->mapped_addr, ==, b->mapped_addr);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpint (a->reason, ==, b->reason);
  g_assert_cmpstr (a->detail, ==, b->detail);
  g_assert_cmpuint (a->timestamp_ms, ==, b->timestamp_ms);
  g_assert_cmpint (a->has_wzp, ==, b->has_wzp);
  assert_strv (a->features, b->features);
  g_assert_cmpstr (a->nat, ==, b->nat);
  g_assert_cmpuint (a->second_port, ==, b->second_port);
  g_assert_cmpuint (a->count, ==, b->count);
  assert_participants (a, b);
  g_assert_cmpstr (a->tls_fingerprint, ==, b->tls_fingerprint);
  g_assert_cmpstr (a->origin_relay_fp, ==, b->origin_relay_fp);
  assert_strv (a->fingerprints, b->fingerprints);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpint (a->inner != NULL, ==, b->inner != NULL);
  if (a->inner != NULL)
    text_assert_equal (a->inner, b->inner);
}
