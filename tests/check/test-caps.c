/* Caps and tags that a peer sends as text. */
#include <gst/check/gstcheck.h>

#include "gstwzpcaps.h"
#include "gstwzpscan.h"
#include "wzp-error.h"

static const char *const good_caps[] = {
  "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au",
  "video/x-raw, width=(int)640, height=(int)480, framerate=(fraction)30/1",
  "audio/x-test, bits=(guint64)5, big=(gint64)-5, ok=(boolean)true",
  "audio/x-test, rate=(double)1.5, channel-mask=(bitmask)0x3",
  "audio/x-opus, channels=(int)2, streamheader=(buffer)< 4f70, 757354 >",
  "application/x-rtp, media=(string)video, sprop=(string)\"a\\\"{[(<\"",
  "video/x-raw(memory:SystemMemory), format=(string)I420",
  "text/plain, title=(string)\"{{[[((<<\", n=(int)< < 1, 2 >, < 3, 4 > >",
  "text/plain, none=(GstValueArray)<  >",
  "video",
};

static const char *const bad_caps[] = {
  "",
  ",",
  " ",
  ";",
  "1/2",
  "ANY",
  "EMPTY",
  "NONE",
  "video/x-raw, width=5",
  "video/x-raw, width=(int)[1,5]",
  "video/x-raw, width=[1,5]",
  "video/x-raw, format=(string){I420, NV12}",
  "video/x-raw; audio/x-raw",
  "video/x-raw(memory:DMABuf), format=(string)NV12",
  "video/x-raw(meta:GstVideoOverlayComposition), format=(string)NV12",
  "video/x-raw(ANY)",
  "video/x-raw, width=(int)nonsense",
  "video/x-raw, width=\"open",
  "video/x-raw, width=(string)\"open\\",
  "video/x-raw, s=(GstCaps)[a/b]",
  /* what GStreamer 1.22 has assertions or worse for */
  "video/x-raw, a=(buffer)zz",
  "video/x-raw, a=(buffer)012",
  "video/x-raw, a=(buffer)",
  "video/x-raw, a=(buffer)< 00, 0g >",
  "video/x-raw, a=(buffer)\"zz\"",
  "video/x-raw, f=(fraction)1/0",
  "video/x-raw, f=(fraction)-2147483648/1",
  "video/x-raw, f=(fraction)1/-2147483648",
  "video/x-raw, f=(fraction)1/2/3",
  "video/x-raw, f=(fraction)5",
  "video/x-raw, f=(fraction)\"1/0\"",
  "video/x-raw, =(int)1",
  "video/x-raw, 1=(int)1",
  "\"\\\"",
};

GST_START_TEST (test_good)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) expected = gst_caps_from_string (good_caps[__i__]);
  g_autoptr (GstCaps) caps = gst_wzp_caps_parse (good_caps[__i__], &error);

  fail_unless (caps != NULL, "%s", error != NULL ? error->message : "");
  fail_unless (gst_caps_is_equal (caps, expected));
}
GST_END_TEST

GST_START_TEST (test_bad)
{
  g_autoptr (GError) error = NULL;

  fail_unless (gst_wzp_caps_parse (bad_caps[__i__], &error) == NULL, "%s",
      bad_caps[__i__]);
  fail_unless (g_error_matches (error, WZP_ERROR, WZP_ERROR_PROTOCOL));
}
GST_END_TEST

/* A field of a type that is unknown here does not spoil the rest. */
GST_START_TEST (test_unknown_type)
{
  g_autoptr (GstCaps) caps = gst_wzp_caps_parse (
      "video/x-raw, a=(int)1, flags=(GstNoSuchFlagsSet)0:ffff:/x/y, "
      "q=(NoSuchType)\"{\\\"{\", b=(int)2",
      NULL);
  g_autoptr (GstCaps) expected =
      gst_caps_from_string ("video/x-raw, a=(int)1, b=(int)2");

  fail_unless (caps != NULL);
  fail_unless (gst_caps_is_equal (caps, expected));
}
GST_END_TEST

/* Each would nest GStreamer's parser until its stack is full. */
static const char *const openers[] = { "{", "<", "[", "(",
  "(GstCaps)[a/b,x=", "{\")\",", "{\"}\",", "<\">\",",
  "(structure)[s,x=", "(GstStructure)\"s\\,x\\=", "(taglist)[t,x=" };

GST_START_TEST (test_deep)
{
  g_autoptr (GString) text = g_string_new ("a/b, x=");
  g_autofree char *in_quotes = NULL;
  g_autoptr (GstCaps) caps = NULL;

  for (guint i = 0; i < 60000 / strlen (openers[__i__]); i++)
    g_string_append (text, openers[__i__]);
  fail_unless (gst_wzp_caps_parse (text->str, NULL) == NULL);
  fail_unless (gst_wzp_tags_parse (text->str) == NULL);
  in_quotes = g_strdup_printf ("a/b, y=(GstCaps)\"%s\"", text->str);
  caps = gst_wzp_caps_parse (in_quotes, NULL);
  fail_unless (caps == NULL ||
      !gst_structure_has_field (gst_caps_get_structure (caps, 0), "y"));
}
GST_END_TEST

static char *
nested (guint depth)
{
  GString *text = g_string_new ("a/b, x=(int)");

  for (guint i = 0; i < depth; i++)
    g_string_append_c (text, '<');
  g_string_append_c (text, '1');
  for (guint i = 0; i < depth; i++)
    g_string_append_c (text, '>');
  return g_string_free (text, FALSE);
}

GST_START_TEST (test_nesting_limit)
{
  g_autofree char *at = nested (GST_WZP_SCAN_MAX_DEPTH);
  g_autofree char *over = nested (GST_WZP_SCAN_MAX_DEPTH + 1);
  g_autoptr (GstCaps) caps = gst_wzp_caps_parse (at, NULL);

  fail_unless (caps != NULL);
  fail_unless (gst_wzp_caps_parse (over, NULL) == NULL);
}
GST_END_TEST

GST_START_TEST (test_tags)
{
  g_autoptr (GstTagList) sent = gst_tag_list_new (GST_TAG_TITLE, "t",
      GST_TAG_ARTIST, "a", GST_TAG_ARTIST, "b", GST_TAG_BITRATE, 5u, NULL);
  g_autofree char *text = gst_tag_list_to_string (sent);
  g_autoptr (GstTagList) tags = gst_wzp_tags_parse (text);

  fail_unless (tags != NULL, "%s", text);
  fail_unless (gst_tag_list_is_equal (sent, tags), "%s", text);
  g_clear_pointer (&tags, gst_tag_list_unref);

  /* What is unknown or of the wrong type is left out. */
  tags = gst_wzp_tags_parse (
      "taglist, title=(string)t, no-such-tag=(string)x, bitrate=(string)y, "
      "image=(sample)AAAA:None:U2Vn;");
  fail_unless (tags != NULL);
  fail_unless_equals_int (gst_tag_list_n_tags (tags), 1);
  fail_unless (gst_wzp_tags_parse ("taglist, no-such-tag=(int)1;") == NULL);
  fail_unless (gst_wzp_tags_parse ("other, title=(string)t;") == NULL);
  fail_unless (gst_wzp_tags_parse ("taglis, title=(string)t;") == NULL);
  fail_unless (gst_wzp_tags_parse ("") == NULL);
}
GST_END_TEST

static const char *const good_tags[] = {
  "taglist, title=(string)\"a b\", artist=(string){ \"a\", \"b\" };",
  "taglist, bitrate=(uint)5, date=(date)2020-01-31, track-peak=(double)0.5;",
  "taglist, datetime=(datetime)2020-01-31T10:11:12.5+0100;",
  "taglist, datetime=(datetime)2020, geo-location-latitude=(double)-1e-5;",
};

static void
try_caps (const char *text)
{
  g_autoptr (GstCaps) caps = gst_wzp_caps_parse (text, NULL);

  fail_unless (caps == NULL || gst_caps_is_fixed (caps), "%s", text);
}

static void
try_tags (const char *text)
{
  g_autoptr (GstTagList) tags = gst_wzp_tags_parse (text);

  fail_unless (tags == NULL || !gst_tag_list_is_empty (tags), "%s", text);
}

static void
mutate (GRand *rand, const char *const *texts, guint n_texts,
    void (*try_text) (const char *text))
{
  static const char bytes[] = "\"\\{}[]<>(),;=: a1/-0.+\x7f\xc3";

  for (guint i = 0; i < 20000; i++) {
    g_autofree char *text =
        g_strdup (texts[g_rand_int_range (rand, 0, (gint32) n_texts)]);
    const gint32 n = g_rand_int_range (rand, 1, 6);

    for (gint32 j = 0; j < n; j++)
      text[g_rand_int_range (rand, 0, (gint32) strlen (text))] =
          bytes[g_rand_int_range (rand, 0, sizeof bytes - 1)];
    try_text (text);
  }
}

/* Whatever comes is caps that hold, or an error; GStreamer's assertions end the
 * test. */
GST_START_TEST (test_mutations)
{
  const guint32 seed = g_random_int ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  g_print ("seed %u\n", seed);
  mutate (rand, good_caps, G_N_ELEMENTS (good_caps), try_caps);
  mutate (rand, good_tags, G_N_ELEMENTS (good_tags), try_tags);
}
GST_END_TEST

static Suite *
wzp_caps_suite (void)
{
  Suite *s = suite_create ("wzp-caps");
  TCase *tc = tcase_create ("caps");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_good, 0, G_N_ELEMENTS (good_caps));
  tcase_add_loop_test (tc, test_bad, 0, G_N_ELEMENTS (bad_caps));
  tcase_add_loop_test (tc, test_deep, 0, G_N_ELEMENTS (openers));
  tcase_add_test (tc, test_unknown_type);
  tcase_add_test (tc, test_nesting_limit);
  tcase_add_test (tc, test_tags);
  tcase_add_test (tc, test_mutations);
  return s;
}

GST_CHECK_MAIN (wzp_caps)
