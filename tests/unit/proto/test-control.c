#include "wzp-control.h"

#include <string.h>

#include "wzp-error.h"

static void
assert_equal (const WzpControl *a, const WzpControl *b)
{
  g_assert_cmpint (a->type, ==, b->type);
  g_assert_cmpuint (a->flow, ==, b->flow);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpstr (a->caps, ==, b->caps);
  g_assert_cmpstr (a->tags, ==, b->tags);
  g_assert_cmpuint (a->frame, ==, b->frame);
  g_assert_cmpuint (a->epoch, ==, b->epoch);
  g_assert_cmpuint (a->n, ==, b->n);
  g_assert_cmpint (a->path, ==, b->path);
  g_assert_cmpuint (a->seq, ==, b->seq);
  g_assert_cmpuint (a->padding, ==, b->padding);
  g_assert_cmpuint (a->window, ==, b->window);
  g_assert_cmpuint (a->version, ==, b->version);
  g_assert_cmpuint (a->latency_ms, ==, b->latency_ms);
  g_assert_cmpuint (a->received, ==, b->received);
  g_assert_cmpuint (a->lost, ==, b->lost);
  g_assert_cmpuint (a->dropped, ==, b->dropped);
  g_assert_cmpuint (a->reason, ==, b->reason);
  g_assert_cmpstr (a->text, ==, b->text);
}

static void
assert_refused (const char *wire, gsize len)
{
  g_auto (WzpControl) control = { .type = WZP_CONTROL_BYE, .reason = 77 };
  g_autoptr (GError) error = NULL;
  /* Of the exact size, for a sanitizer to see a step too far. */
  g_autofree guint8 *copy = g_memdup2 (wire, len);

  g_assert_false (wzp_control_parse (copy, len, &control, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_assert_cmpint (control.type, ==, WZP_CONTROL_BYE);
  g_assert_cmpuint (control.reason, ==, 77);
}

/* One of each type with its bytes. */
static struct {
  WzpControl control;
  const char *wire;
  gsize len;
} samples[] = {
#define WIRE(bytes) bytes, sizeof bytes - 1
  { { .type = WZP_CONTROL_HELLO,
        .version = 1,
        .window = 16384,
        .latency_ms = 125 },
      WIRE ("\x01\x01\x80\x00\x40\x00\x40\x7d") },
  { { .type = WZP_CONTROL_FLOW_OPEN,
        .flow = 1,
        .generation = 2,
        .name = (char *) "cam",
        .caps = (char *) "video/x-h264",
        .tags = (char *) "t=1" },
      WIRE ("\x02\x01\x02\x03"
            "cam\x0c"
            "video/x-h264\x03t=1") },
  { { .type = WZP_CONTROL_FLOW_OPEN,
        .flow = 64,
        .name = (char *) "",
        .caps = (char *) "" },
      WIRE ("\x02\x40\x40\x00\x00\x00\x00") },
  { { .type = WZP_CONTROL_FLOW_EOS, .flow = 3, .frame = 15293 },
      WIRE ("\x03\x03\x7b\xbd") },
  { { .type = WZP_CONTROL_FLOW_CLOSE, .flow = 3 }, WIRE ("\x04\x03") },
  { { .type = WZP_CONTROL_KEY_REQUEST, .flow = 3 }, WIRE ("\x05\x03") },
  { { .type = WZP_CONTROL_NOMINATE,
        .epoch = 4,
        .n = 5,
        .path = WZP_PATH_DIRECT },
      WIRE ("\x06\x04\x05\x02") },
  { { .type = WZP_CONTROL_NOMINATE_ACK, .epoch = 4, .n = 5 },
      WIRE ("\x07\x04\x05") },
  { { .type = WZP_CONTROL_SUSPECT, .path = WZP_PATH_RELAY },
      WIRE ("\x08\x01") },
  { { .type = WZP_CONTROL_REPORT,
        .flow = 1,
        .received = 10,
        .lost = 2,
        .dropped = 1 },
      WIRE ("\x09\x01\x0a\x02\x01") },
  { { .type = WZP_CONTROL_BYE, .reason = 4, .text = (char *) "why" },
      WIRE ("\x0a\x04\x03why") },
  { { .type = WZP_CONTROL_BYE, .text = (char *) "w" }, WIRE ("\x0a\x00\x01w") },
  { { .type = WZP_CONTROL_FLOW_OPEN,
        .flow = 1,
        .name = (char *) "n",
        .caps = (char *) "c",
        .tags = (char *) "t" },
      WIRE ("\x02\x01\x00\x01n\x01"
            "c\x01t") },
  { { .type = WZP_CONTROL_BYE }, WIRE ("\x0a\x00\x00") },
  { { .type = WZP_CONTROL_FLOW_LATENCY, .flow = 1, .latency_ms = 60 },
      WIRE ("\x0b\x01\x3c") },
  { { .type = WZP_CONTROL_FEEDBACK, .seq = 9, .received = 100 },
      WIRE ("\x22\x09\x40\x64") },
  { { .type = WZP_CONTROL_PROBE,
        .path = WZP_PATH_DIRECT,
        .seq = 9,
        .padding = 4 },
      WIRE ("\x20\x02\x09\0\0\0\0") },
  { { .type = WZP_CONTROL_PROBE_ACK,
        .path = WZP_PATH_DIRECT,
        .seq = 9,
        .padding = 1 },
      WIRE ("\x21\x02\x09\0") },
  { { .type = WZP_CONTROL_PROBE_ACK,
        .path = WZP_PATH_RELAY,
        .seq = WZP_VARINT_MAX },
      WIRE ("\x21\x01\xff\xff\xff\xff\xff\xff\xff\xff") },
  { { .type = WZP_CONTROL_FEEDBACK, .seq = 300, .received = 5 },
      WIRE ("\x22\x41\x2c\x05") },
  { { .type = WZP_CONTROL_PORTS, .port = 40001, .step = 1 },
      WIRE ("\x0c\x80\x00\x9c\x41\x01\x00") },
  { { .type = WZP_CONTROL_PORTS, .port = 9, .step = 2, .is_exact = TRUE },
      WIRE ("\x0c\x09\x02\x01") },
  { { .type = WZP_CONTROL_GO, .n = 0 }, WIRE ("\x23\x00") },
  { { .type = WZP_CONTROL_GO, .n = 300 }, WIRE ("\x23\x41\x2c") },
#undef WIRE
};

static void
test_samples (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_auto (WzpControl) back = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = wzp_control_write (&samples[i].control, &error);
    gsize len = 0;
    const guint8 *data;

    g_test_message ("sample %u", i);
    g_assert_no_error (error);
    data = g_bytes_get_data (bytes, &len);
    g_assert_cmpmem (data, len, samples[i].wire, samples[i].len);
    wzp_control_parse (data, len, &back, &error);
    g_assert_no_error (error);
    assert_equal (&back, &samples[i].control);
  }
}

static void
test_cut (void)
{
  g_test_summary ("No beginning of a message is one, save without padding");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    const gsize fields = samples[i].len - samples[i].control.padding;

    for (gsize len = 0; len < fields; len++)
      assert_refused (samples[i].wire, len);
  }
}

static void
test_more_fields (void)
{
  g_test_summary ("What a later version adds behind the fields is ignored");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_autofree char *wire = g_malloc (samples[i].len + 2);
    g_auto (WzpControl) back = { 0 };

    if (samples[i].control.type >= WZP_CONTROL_PROBE)
      continue;
    memcpy (wire, samples[i].wire, samples[i].len);
    memcpy (wire + samples[i].len, "\xff\x7f", 2);
    g_assert_true (wzp_control_parse (
        (const guint8 *) wire, samples[i].len + 2, &back, NULL));
    assert_equal (&back, &samples[i].control);
  }
}

static void
test_malformed (void)
{
  static const struct {
    const char *wire;
    gsize len;
    const char *what;
  } cases[] = {
#define WIRE(bytes) bytes, sizeof bytes - 1
    { WIRE ("\x04\x00"), "flow 0" },
    { WIRE ("\x04\x40\x41"), "flow 65" },
    { WIRE ("\x04\xc0\x00\x00\x01\x00\x00\x00\x01"), "flow 2^32 + 1" },
    { WIRE ("\x09\x00\x00\x00\x00"), "report of flow 0" },
    { WIRE ("\x08\x00"), "path none" },
    { WIRE ("\x08\x03"), "path 3" },
    { WIRE ("\x06\x01\x01\xc0\x00\x00\x01\x00\x00\x00\x01"), "path 2^32 + 1" },
    { WIRE ("\x01\x01\xc0\x00\x00\x01\x00\x00\x00\x00\x00"), "window 2^32" },
    { WIRE ("\x0a\xc0\x00\x00\x01\x00\x00\x00\x00\x00"), "reason 2^32" },
    { WIRE ("\x0a\x00\x02\xc3"
            "a"),
        "text is not UTF-8" },
    { WIRE ("\x0a\x00\x03"
            "a\0b"),
        "NUL in text" },
    { WIRE ("\x0a\x00\xff\xff\xff\xff\xff\xff\xff\xff"), "huge text" },
    { WIRE ("\x0a\x00\x80\x01\x00\x01"), "text over the limit" },
    { WIRE ("\x02\x01\x01\x02\xff\xff\x00\x00"), "name is not UTF-8" },
    { WIRE ("\x02\x01\x01\x00\x02\xff\xff\x00"), "caps are not UTF-8" },
    { WIRE ("\x02\x01\x01\x00\x01\x00\x00"), "NUL in caps" },
    { WIRE ("\x02\x01\x01\x00\x00\x01\x80"), "tags are not UTF-8" },
    { WIRE ("\x20\x02\x09\0\0\1\0"), "padding is not zero" },
    { WIRE ("\x21\x02\x09\1"), "padding is not zero" },
    { WIRE (""), "empty" },
    { WIRE ("\x40"), "cut type" },
#undef WIRE
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    assert_refused (cases[i].wire, cases[i].len);
  }
}

static void
test_unknown_type (void)
{
  static const guint8 small[] = { 0x1f, 1, 2, 3 };
  static const guint8 zero[] = { 0x00 };
  static const guint8 huge[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff };
  g_auto (WzpControl) control = { 0 };

  g_assert_true (wzp_control_parse (small, sizeof small, &control, NULL));
  g_assert_cmpint (control.type, ==, 31);
  g_assert_true (wzp_control_parse (zero, sizeof zero, &control, NULL));
  g_assert_cmpint (control.type, ==, 0);
  g_assert_true (wzp_control_parse (huge, sizeof huge, &control, NULL));
  g_assert_cmpint (control.type, ==, G_MAXINT);
}

static void
test_control_characters (void)
{
  static const char wire[] = "\x0a\x00\x09"
                             "a\x1b[2J\nb\x7f\t";
  static const char open[] = "\x02\x01\x00\x03x\ny\x03p\nq\x00";
  g_auto (WzpControl) bye = { 0 };
  g_auto (WzpControl) flow = { 0 };

  g_assert_true (
      wzp_control_parse ((const guint8 *) wire, sizeof wire - 1, &bye, NULL));
  g_assert_cmpstr (bye.text, ==, "a [2J b  ");
  g_assert_true (
      wzp_control_parse ((const guint8 *) open, sizeof open - 1, &flow, NULL));
  g_assert_cmpstr (flow.name, ==, "x y");
  g_assert_cmpstr (flow.caps, ==, "p\nq");
}

static void
test_name_limit (void)
{
  g_autofree char *name = g_strnfill (WZP_FLOW_NAME_MAX + 1, 'n');
  WzpControl control = {
    .type = WZP_CONTROL_FLOW_OPEN, .flow = 1, .name = name, .caps = (char *) "c"
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_auto (WzpControl) back = { 0 };
  char wire[72] = "\x02\x01\x00\x40\x40";

  g_assert_null (wzp_control_write (&control, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  memset (wire + 5, 'n', WZP_FLOW_NAME_MAX + 1);
  assert_refused (wire, sizeof wire);

  name[WZP_FLOW_NAME_MAX] = '\0';
  bytes = wzp_control_write (&control, NULL);
  g_assert_nonnull (bytes);
  g_assert_true (wzp_control_parse (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &back, NULL));
  g_assert_cmpstr (back.name, ==, name);
}

static void
test_size_limit (void)
{
  /* type, flow, generation, no name, 4 bytes of length, no tags */
  const gsize max = WZP_CONTROL_MAX_MESSAGE - 9;
  g_autofree char *caps = g_strnfill (max + 1, 'c');
  WzpControl control = {
    .type = WZP_CONTROL_FLOW_OPEN, .flow = 1, .caps = caps
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_auto (WzpControl) back = { 0 };
  g_autofree guint8 *longer = g_malloc0 (WZP_CONTROL_MAX_MESSAGE + 1);

  g_assert_null (wzp_control_write (&control, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);

  caps[max] = '\0';
  bytes = wzp_control_write (&control, NULL);
  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, WZP_CONTROL_MAX_MESSAGE);
  g_assert_true (wzp_control_parse (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &back, NULL));
  g_assert_cmpstr (back.caps, ==, caps);

  memcpy (longer, g_bytes_get_data (bytes, NULL), WZP_CONTROL_MAX_MESSAGE);
  assert_refused ((const char *) longer, WZP_CONTROL_MAX_MESSAGE + 1);
}

static void
test_long_texts (void)
{
  g_autofree char *text = g_strnfill (5000, 't');
  const WzpControl flow = { .type = WZP_CONTROL_FLOW_OPEN,
    .flow = 1,
    .name = (char *) "n",
    .caps = text,
    .tags = text };
  const WzpControl bye = { .type = WZP_CONTROL_BYE, .text = text };
  const WzpControl *const controls[] = { &flow, &bye };

  for (guint i = 0; i < G_N_ELEMENTS (controls); i++) {
    g_autoptr (GBytes) bytes = wzp_control_write (controls[i], NULL);
    g_auto (WzpControl) back = { 0 };

    g_assert_nonnull (bytes);
    g_assert_true (wzp_control_parse (
        g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &back, NULL));
    assert_equal (&back, controls[i]);
  }
}

static void
test_padding_limit (void)
{
  WzpControl control = { .type = WZP_CONTROL_PROBE,
    .path = WZP_PATH_RELAY,
    .padding = WZP_CONTROL_MAX_MESSAGE - 3 };
  g_autoptr (GBytes) bytes = wzp_control_write (&control, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (WzpControl) back = { 0 };

  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, WZP_CONTROL_MAX_MESSAGE);
  g_assert_true (wzp_control_parse (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &back, NULL));
  g_assert_cmpuint (back.padding, ==, control.padding);

  for (guint i = 0; i < 2; i++) {
    control.padding = i == 0 ? WZP_CONTROL_MAX_MESSAGE - 2 : G_MAXUINT32;
    g_assert_null (wzp_control_write (&control, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
    g_clear_error (&error);
  }
}

static void
test_number_limit (void)
{
  const WzpControl control = {
    .type = WZP_CONTROL_FLOW_EOS, .flow = 1, .frame = WZP_VARINT_MAX + 1
  };
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_control_write (&control, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
}

static void
test_path_names (void)
{
  g_assert_cmpstr (wzp_path_to_string (WZP_PATH_NONE), ==, "none");
  g_assert_cmpstr (wzp_path_to_string (WZP_PATH_RELAY), ==, "relay");
  g_assert_cmpstr (wzp_path_to_string (WZP_PATH_DIRECT), ==, "direct");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/control/samples", test_samples);
  g_test_add_func ("/control/cut", test_cut);
  g_test_add_func ("/control/more-fields", test_more_fields);
  g_test_add_func ("/control/malformed", test_malformed);
  g_test_add_func ("/control/unknown-type", test_unknown_type);
  g_test_add_func ("/control/control-characters", test_control_characters);
  g_test_add_func ("/control/name-limit", test_name_limit);
  g_test_add_func ("/control/size-limit", test_size_limit);
  g_test_add_func ("/control/long-texts", test_long_texts);
  g_test_add_func ("/control/padding-limit", test_padding_limit);
  g_test_add_func ("/control/number-limit", test_number_limit);
  g_test_add_func ("/control/path-names", test_path_names);

  return g_test_run ();
}
