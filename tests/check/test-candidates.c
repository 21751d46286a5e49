/* The candidates structure: through text and back, and what else may come. */
#include <gst/check/gstcheck.h>

#include "gstwzpcandidates.h"
#include "wzp-identity.h"
#include "wzp-message.h"

static WzpDescription *
description_new (void)
{
  static const char *const local[] = { "192.168.1.2:5000", "[fd00::1]:5000",
    NULL };
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  WzpDescription *d = wzp_description_new ();
  g_autoptr (GBytes) data = NULL;

  memcpy (
      d->identity, wzp_identity_get_public_key (identity), WZP_PUBLIC_KEY_LEN);
  for (guint i = 0; i < WZP_PUBLIC_KEY_LEN; i++)
    d->ephemeral[i] = (guint8) (i * 9);
  d->nonce = g_strdup ("00112233445566778899aabbccddeeff");
  d->reflexive = g_strdup ("203.0.113.7:61000");
  d->local = g_strdupv ((char **) local);
  d->relay = g_strdup ("relay.example:4433");
  data = wzp_description_signed (d);
  wzp_identity_sign (identity, data, d->signature);
  return d;
}

static GstStructure *
good_structure (void)
{
  g_autoptr (WzpDescription) d = description_new ();

  return gst_wzp_candidates_new (d);
}

GST_START_TEST (test_round_trip)
{
  g_autoptr (WzpDescription) in = description_new ();
  g_autoptr (WzpDescription) out = NULL;
  g_autoptr (GstStructure) s = gst_wzp_candidates_new (in);
  g_autofree char *text = gst_structure_to_string (s);
  g_autoptr (GstStructure) parsed = gst_structure_from_string (text, NULL);
  g_autoptr (GError) error = NULL;

  fail_unless (parsed != NULL, "%s", text);
  fail_unless (gst_structure_is_equal (s, parsed), "%s", text);
  out = gst_wzp_candidates_parse (parsed, &error);
  fail_unless (out != NULL, "%s", error != NULL ? error->message : "");
  fail_unless (memcmp (in->identity, out->identity, WZP_PUBLIC_KEY_LEN) == 0);
  fail_unless (memcmp (in->ephemeral, out->ephemeral, WZP_PUBLIC_KEY_LEN) == 0);
  fail_unless (memcmp (in->signature, out->signature, WZP_SIGNATURE_LEN) == 0);
  fail_unless_equals_string (in->nonce, out->nonce);
  fail_unless_equals_string (in->reflexive, out->reflexive);
  fail_unless_equals_string (in->relay, out->relay);
  fail_unless (g_strv_equal (
      (const char *const *) in->local, (const char *const *) out->local));
}
GST_END_TEST

GST_START_TEST (test_least)
{
  g_autoptr (GstStructure) s = good_structure ();
  g_autoptr (WzpDescription) d = NULL;

  gst_structure_remove_fields (s, "reflexive", "local", "relay", NULL);
  gst_structure_set (s, "later-extension", G_TYPE_INT, 5, NULL);
  d = gst_wzp_candidates_parse (s, NULL);
  fail_unless (d != NULL);
  fail_unless (d->reflexive == NULL && d->local == NULL && d->relay == NULL);
}
GST_END_TEST

typedef struct {
  const char *field;
  const char *value; /* as gst_structure_from_string() reads it; NULL: none */
} Change;

static const Change changes[] = {
  { "fingerprint", NULL },
  { "fingerprint", "(int)5" },
  { "fingerprint", "(string)nonsense" },
  { "fingerprint", "(string)\"0011:2233:4455:6677:8899:aabb:ccdd:eeff\"" },
  { "identity", NULL },
  { "identity", "(string)00" },
  { "identity", "(int)1" },
  { "ephemeral", NULL },
  { "ephemeral",
      "(string)"
      "0101010101010101010101010101010101010101010101010101010101010101" },
  { "ephemeral",
      "(string)"
      "010101010101010101010101010101010101010101010101010101010101010g" },
  { "signature", NULL },
  { "signature", "(string)\"\"" },
  { "call", NULL },
  { "call", "(int)7" },
  { "call", "(string)short" },
  { "call", "(string)00112233445566778899AABBCCDDEEFF" },
  { "call", "(string)00112233445566778899aabbccddee00" },
  { "reflexive", "(int)1" },
  { "relay", "(double)1.5" },
  { "local", "(string)192.168.1.2:5000" },
  { "local", "(string){ \"192.168.1.2:5000\" }" },
};

static gboolean
is_told_why (const GError *error)
{
  return g_error_matches (error, WZP_ERROR, WZP_ERROR_INVALID) ||
      g_error_matches (error, WZP_ERROR, WZP_ERROR_IDENTITY);
}

GST_START_TEST (test_hostile)
{
  const Change *change = &changes[__i__];
  g_autoptr (GstStructure) s = good_structure ();
  g_autoptr (WzpDescription) d = NULL;
  g_autoptr (GError) error = NULL;

  gst_structure_remove_field (s, change->field);
  if (change->value != NULL) {
    g_autofree char *text =
        g_strdup_printf ("s, %s=%s", change->field, change->value);
    g_autoptr (GstStructure) other = gst_structure_from_string (text, NULL);

    fail_unless (other != NULL, "%s", text);
    gst_structure_set_value (
        s, change->field, gst_structure_get_value (other, change->field));
  }
  d = gst_wzp_candidates_parse (s, &error);
  fail_unless (d == NULL, "%s=%s was taken", change->field, change->value);
  fail_unless (is_told_why (error), "%s", error->message);
}
GST_END_TEST

GST_START_TEST (test_name_and_length)
{
  g_autoptr (GstStructure) s = good_structure ();
  g_autofree char *at = g_strnfill (GST_WZP_CANDIDATES_MAX_TEXT, 'a');
  g_autofree char *over = g_strnfill (GST_WZP_CANDIDATES_MAX_TEXT + 1, 'a');
  g_autoptr (WzpDescription) d = NULL;
  g_autoptr (GError) error = NULL;

  gst_structure_set (s, "relay", G_TYPE_STRING, at, NULL);
  d = gst_wzp_candidates_parse (s, &error);
  fail_unless (d != NULL);
  gst_structure_set (s, "relay", G_TYPE_STRING, over, NULL);
  fail_unless (gst_wzp_candidates_parse (s, &error) == NULL);
  fail_unless (strstr (error->message, "relay") != NULL);
  g_clear_error (&error);

  gst_structure_remove_field (s, "relay");
  gst_structure_set_name (s, "application/x-other");
  fail_unless (gst_wzp_candidates_parse (s, &error) == NULL);
  fail_unless (strstr (error->message, "x-other") != NULL);
}
GST_END_TEST

/* 1000 bogus candidates: as many as are allowed are kept, none is an error. */
GST_START_TEST (test_many_candidates)
{
  g_autoptr (GstStructure) s = good_structure ();
  GValue array = G_VALUE_INIT;
  g_autoptr (WzpDescription) d = NULL;
  g_autoptr (GError) error = NULL;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; i < 1000; i++) {
    GValue text = G_VALUE_INIT;

    g_value_init (&text, G_TYPE_STRING);
    g_value_take_string (&text,
        i == 0 ? g_strnfill (WZP_ADDR_MAX_STRLEN, '1')
               : g_strdup_printf ("bogus-%u", i));
    gst_value_array_append_and_take_value (&array, &text);
  }
  gst_structure_take_value (s, "local", &array);
  d = gst_wzp_candidates_parse (s, &error);
  fail_unless (d != NULL, "%s", error != NULL ? error->message : "");
  fail_unless_equals_int (g_strv_length (d->local), WZP_MESSAGE_MAX_ADDRS);
  fail_unless_equals_string (d->local[0], "bogus-1");
}
GST_END_TEST

static Suite *
wzp_candidates_suite (void)
{
  Suite *s = suite_create ("wzp-candidates");
  TCase *tc = tcase_create ("candidates");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_least);
  tcase_add_loop_test (tc, test_hostile, 0, G_N_ELEMENTS (changes));
  tcase_add_test (tc, test_name_and_length);
  tcase_add_test (tc, test_many_candidates);
  return s;
}

GST_CHECK_MAIN (wzp_candidates)
