/* The properties: what they are, and the URI. */
#include "wzp-check.h"

typedef struct {
  const char *name;
  const char *value; /* default as text; NULL: a string that is not set */
  gboolean may_play; /* may be changed in PLAYING */
  guint sides;       /* 1: sink, 2: src */
} Expected;

static const Expected writable[] = {
  { "relay", NULL, FALSE, 3 },
  { "relay-trust", "tofu", FALSE, 3 },
  { "relay-fingerprint", NULL, FALSE, 3 },
  { "alias", NULL, FALSE, 3 },
  { "peer", NULL, FALSE, 3 },
  { "peer-fingerprint", NULL, FALSE, 3 },
  { "identity-file", NULL, FALSE, 3 },
  { "accept-mode", "trusted", FALSE, 3 },
  { "transport-policy", "all", FALSE, 3 },
  { "host-candidates", "true", FALSE, 3 },
  { "bind-address", NULL, FALSE, 3 },
  { "bind-port", "0", FALSE, 3 },
  { "direct-timeout", "2000", FALSE, 3 },
  { "relay-timeout", "10000", FALSE, 3 },
  { "relay-grace", "5000", FALSE, 3 },
  { "direct-grace", "1500", FALSE, 3 },
  { "keep-relay", "true", FALSE, 3 },
  { "latency", "125", FALSE, 3 },
  { "session", NULL, FALSE, 3 },
  { "flow", NULL, FALSE, 3 },
  { "auto-reconnect", "true", FALSE, 3 },
  { "retries", "-1", FALSE, 3 },
  { "retry-backoff-factor", "1", FALSE, 3 },
  { "retry-backoff-max", "30", FALSE, 3 },
  { "timeline-location", NULL, FALSE, 3 },
  { "wait-for-connection", "false", TRUE, 1 },
  { "keep-listening", "true", TRUE, 2 },
  { "caps", "ANY", FALSE, 2 },
};

static const char *const factories[] = { "wzpsink", "wzpsrc" };

static char *
get_text (GstElement *element, const char *name)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  GValue value = G_VALUE_INIT;
  char *text;

  fail_unless (pspec != NULL, "no property %s", name);
  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (element), name, &value);
  if (G_VALUE_HOLDS_STRING (&value))
    text = g_value_dup_string (&value);
  else if (G_VALUE_HOLDS_ENUM (&value))
    text = g_strdup (g_enum_get_value (
        G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (&value))
                         ->value_nick);
  else
    text = gst_value_serialize (&value);
  g_value_unset (&value);
  return text;
}

static void
check_text (GstElement *element, const char *name, const char *expected)
{
  g_autofree char *text = get_text (element, name);

  fail_unless (g_strcmp0 (text, expected) == 0, "%s is %s, not %s", name, text,
      expected);
}

GST_START_TEST (test_defaults)
{
  for (guint side = 0; side < 2; side++) {
    GstElement *element = gst_element_factory_make (factories[side], NULL);

    for (guint i = 0; i < G_N_ELEMENTS (writable); i++) {
      const Expected *e = &writable[i];
      GParamSpec *pspec =
          g_object_class_find_property (G_OBJECT_GET_CLASS (element), e->name);

      fail_unless_equals_int (pspec != NULL, (e->sides & (1u << side)) != 0);
      if (pspec == NULL)
        continue;
      check_text (element, e->name, e->value);
      fail_unless ((pspec->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE);
      fail_unless_equals_int (
          (pspec->flags & GST_PARAM_MUTABLE_PLAYING) != 0, e->may_play);
      fail_unless_equals_int (
          (pspec->flags & GST_PARAM_MUTABLE_READY) != 0, !e->may_play);
    }
    check_text (element, "mode", side == 0 ? "caller" : "listener");
    check_text (element, "connection-state", "new");
    check_text (element, "path", "none");
    check_text (element, "fingerprint", NULL);
    gst_object_unref (element);
  }
}
GST_END_TEST

/* Whatever is installed: a blurb, read-only ones cannot be written, the secret
 * cannot be read. */
GST_START_TEST (test_every_property)
{
  for (guint side = 0; side < 2; side++) {
    GstElement *element = gst_element_factory_make (factories[side], NULL);
    guint n;
    g_autofree GParamSpec **all =
        g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
    guint n_own = 0;

    for (guint i = 0; i < n; i++) {
      if (all[i]->owner_type != G_OBJECT_TYPE (element))
        continue;
      n_own++;
      fail_unless (
          strlen (g_param_spec_get_blurb (all[i])) > 10, "%s", all[i]->name);
      fail_unless (strlen (g_param_spec_get_nick (all[i])) > 2);
      fail_unless_equals_int ((all[i]->flags & G_PARAM_READABLE) == 0,
          g_str_equal (all[i]->name, "token") ||
              g_str_equal (all[i]->name, "room-key"));
      if (g_str_has_prefix (g_param_spec_get_blurb (all[i]), "Milliseconds"))
        fail_unless_equals_int (all[i]->value_type, G_TYPE_UINT);
    }
    fail_unless_equals_int (n_own, side == 0 ? 34 : 35);
    gst_object_unref (element);
  }
}
GST_END_TEST

typedef struct {
  const char *uri;
  const char *property, *value; /* one to look at */
} GoodUri;

static const GoodUri good_uris[] = {
  { "wzp://localhost/cam1", "relay", "localhost" },
  { "wzp://localhost/cam1", "peer", "cam1" },
  { "wzp://localhost/cam1", "alias", NULL },
  { "wzp://localhost/cam1?mode=listener", "alias", "cam1" },
  { "wzp://localhost/cam1?mode=listener", "peer", NULL },
  { "wzp://[::1]:4444/cam1", "relay", "[::1]:4444" },
  { "wzp://relay.example:5000/a.b-c_d", "relay", "relay.example:5000" },
  { "wzp://r/0011:2233:4455:6677:8899:aabb:ccdd:eeff", "peer",
      "0011:2233:4455:6677:8899:aabb:ccdd:eeff" },
  { "wzp:///cam1?relay=localhost", "relay", "localhost" },
  { "wzp://?mode=app", "mode", "app" },
  { "wzp://r/c?latency=300", "latency", "300" },
  { "wzp://r/c?latency=60000", "latency", "60000" },
  { "wzp://r/c?host-candidates=no", "host-candidates", "false" },
  { "wzp://r/c?keep-relay=FALSE", "keep-relay", "false" },
  { "wzp://r/c?bind-address=%3A%3A1", "bind-address", "::1" },
  { "wzp://r/c?bind-port=65535", "bind-port", "65535" },
  { "wzp://r/c?retries=0", "retries", "0" },
  { "wzp://r/c?retry-backoff-factor=0.5", "retry-backoff-factor", "0.5" },
  { "wzp://r/c?relay-trust=none", "relay-trust", "none" },
  { "wzp://r/c?timeline-location=%2Ftmp%2Ft", "timeline-location", "/tmp/t" },
  { "wzp://r/c?session=a%20b", "session", "a b" },
  { "wzp://r/c?wait-for-connection=1", "wait-for-connection", "true" },
  { "wzp://r/c?relay-fingerprint="
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "relay-trust", "pin" },
  { "wzp://r/c?relay-trust=ca&relay-fingerprint="
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "relay-trust", "ca" },
};

GST_START_TEST (test_good_uri)
{
  const GoodUri *good = &good_uris[__i__];
  GstElement *sink = gst_element_factory_make ("wzpsink", NULL);
  g_autofree char *got = NULL;
  g_autoptr (GError) error = NULL;

  fail_unless (
      gst_uri_handler_set_uri (GST_URI_HANDLER (sink), good->uri, &error),
      "%s: %s", good->uri, error != NULL ? error->message : "");
  check_text (sink, good->property, good->value);
  got = gst_uri_handler_get_uri (GST_URI_HANDLER (sink));
  fail_unless_equals_string (got, good->uri);
  gst_object_unref (sink);
}
GST_END_TEST

typedef struct {
  const char *uri;
  const char *named; /* what the message must name */
} BadUri;

static const BadUri bad_uris[] = {
  { "wzp://r/c?colour=red", "colour" },
  { "wzp://r/c?token=secret", "token" }, /* not in a URI, it can be read */
  { "wzp://r/c?uri=wzp", "uri" },
  { "wzp://r/c?stats=1", "stats" },
  { "wzp://r/c?keep-listening=false", "keep-listening" }, /* not of a sink */
  { "wzp://r/c?latency=0", "latency" },
  { "wzp://r/c?latency=60001", "latency" },
  { "wzp://r/c?latency=1e3", "1e3" },
  { "wzp://r/c?latency=", "latency" },
  { "wzp://r/c?latency=-1", "-1" },
  { "wzp://r/c?latency=99999999999999999999", "latency" },
  { "wzp://r/c?latency=1&latency=2", "latency" },
  { "wzp://r/c?latency", "latency" },
  { "wzp://r/c?bind-port=65536", "65536" },
  { "wzp://r/c?bind-address=localhost", "localhost" },
  { "wzp://r/c?mode=2", "mode" },
  { "wzp://r/c?mode=Caller", "Caller" },
  { "wzp://r/c?keep-relay=maybe", "maybe" },
  { "wzp://r/c?retries=-2", "-2" },
  { "wzp://r/c?retry-backoff-max=nan", "nan" },
  { "wzp://r/c?retry-backoff-max=1x", "1x" },
  { "wzp://r/c?relay=other", "relay" }, /* twice */
  { "wzp:///c?relay=a%20b", "relay" },
  { "wzp://r/c?peer-fingerprint=0011", "0011" },
  { "wzp://r/c?relay-fingerprint=zz", "zz" },
  { "wzp://r/c?flow=%00", "" },
  { "wzp://user@r/c", "user" },
  { "wzp://r:0/c", "r:0" },
  { "wzp://r/a/b", "a/b" },
  { "wzp://r/c#f", "" },
};

GST_START_TEST (test_bad_uri)
{
  const BadUri *bad = &bad_uris[__i__];
  GstElement *sink = gst_element_factory_make ("wzpsink", NULL);
  GstURIHandler *handler = GST_URI_HANDLER (sink);
  g_autofree char *got = NULL;
  g_autoptr (GError) error = NULL;

  fail_unless (gst_uri_handler_set_uri (
      handler, "wzp://before/name?latency=77&retries=7", NULL));
  fail_unless (
      !gst_uri_handler_set_uri (handler, bad->uri, &error), "%s", bad->uri);
  fail_unless (g_error_matches (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI),
      "%s: %s", bad->uri, error->message);
  fail_unless (strstr (error->message, bad->named) != NULL,
      "'%s' does not name '%s'", error->message, bad->named);

  /* Nothing has changed. */
  got = gst_uri_handler_get_uri (handler);
  fail_unless_equals_string (got, "wzp://before/name?latency=77&retries=7");
  check_text (sink, "latency", "77");
  check_text (sink, "peer", "name");
  gst_object_unref (sink);
}
GST_END_TEST

GST_START_TEST (test_uri_and_properties)
{
  GstElement *src = gst_element_factory_make ("wzpsrc", NULL);
  GstURIHandler *handler = GST_URI_HANDLER (src);

  /* What was set by itself wins, before and after. */
  g_object_set (src, "latency", 500u, NULL);
  fail_unless (gst_uri_handler_set_uri (
      handler, "wzp://r/cam?latency=300&retries=3&keep-listening=no", NULL));
  check_text (src, "latency", "500");
  check_text (src, "retries", "3");
  check_text (src, "keep-listening", "false");
  check_text (src, "alias", "cam");
  g_object_set (src, "retries", 4, "alias", "door", NULL);
  check_text (src, "retries", "4");
  check_text (src, "alias", "door");

  /* Another URI takes back what the first gave, and nothing else. */
  fail_unless (gst_uri_handler_set_uri (handler, "wzp://r2/cam2", NULL));
  check_text (src, "latency", "500");
  check_text (src, "retries", "4");
  check_text (src, "alias", "door");
  check_text (src, "keep-listening", "true");
  check_text (src, "relay", "r2");

  /* Not set any more: the URI's again; the mode says what the name is for. */
  g_object_set (src, "alias", NULL, NULL);
  check_text (src, "alias", "cam2");
  g_object_set (src, "mode", 0, NULL);
  check_text (src, "alias", NULL);
  check_text (src, "peer", "cam2");

  g_object_set (src, "uri", NULL, NULL);
  check_text (src, "peer", NULL);
  check_text (src, "uri", NULL);
  gst_object_unref (src);
}
GST_END_TEST

GST_START_TEST (test_relay_fingerprint)
{
  GstElement *src = gst_element_factory_make ("wzpsrc", NULL);
  static const char print[] =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

  g_object_set (src, "relay-fingerprint", print, NULL);
  check_text (src, "relay-trust", "pin");
  g_object_set (src, "relay-fingerprint", NULL, NULL);
  check_text (src, "relay-trust", "tofu");
  g_object_set (src, "relay-trust", 1, NULL);
  g_object_set (src, "relay-fingerprint", NULL, NULL);
  check_text (src, "relay-trust", "ca");
  gst_object_unref (src);
}
GST_END_TEST

GST_START_TEST (test_make_from_uri)
{
  g_autoptr (GError) error = NULL;
  GstElement *element =
      gst_element_make_from_uri (GST_URI_SINK, "wzp://r/c", NULL, &error);

  fail_unless (element != NULL);
  fail_unless_equals_string (G_OBJECT_TYPE_NAME (element), "GstWzpSink");
  gst_object_unref (element);
  element = gst_element_make_from_uri (GST_URI_SRC, "wzp://r/c", NULL, &error);
  fail_unless (element != NULL);
  fail_unless_equals_string (G_OBJECT_TYPE_NAME (element), "GstWzpSrc");
  gst_object_unref (element);
}
GST_END_TEST

/* Zeros before the start, of the same keys as later. */
GST_START_TEST (test_stats_before)
{
  static const char *const keys[] = { "packets-sent", "packets-sent-lost",
    "packets-retransmitted", "bytes-sent", "packets-received",
    "packets-received-lost", "packets-received-dropped", "bytes-received",
    "rtt-ms", "bandwidth-mbps", "send-rate-mbps", "receive-rate-mbps",
    "negotiated-latency-ms" };
  GstElement *src = gst_element_factory_make ("wzpsrc", NULL);
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (src, "stats", &stats, NULL);
  fail_unless (gst_structure_has_name (stats, "application/x-wzp-stats"));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    const GValue *value = gst_structure_get_value (stats, keys[i]);
    GValue as_double = G_VALUE_INIT;

    fail_unless (value != NULL, "no %s", keys[i]);
    g_value_init (&as_double, G_TYPE_DOUBLE);
    fail_unless (g_value_transform (value, &as_double));
    fail_unless (g_value_get_double (&as_double) == 0.0, "%s", keys[i]);
  }
  gst_object_unref (src);
}
GST_END_TEST

static Suite *
wzp_properties_suite (void)
{
  Suite *s = suite_create ("wzp-properties");
  TCase *tc = tcase_create ("properties");

  tcase_set_timeout (tc, 60);
  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_defaults);
  tcase_add_test (tc, test_every_property);
  tcase_add_loop_test (tc, test_good_uri, 0, G_N_ELEMENTS (good_uris));
  tcase_add_loop_test (tc, test_bad_uri, 0, G_N_ELEMENTS (bad_uris));
  tcase_add_test (tc, test_uri_and_properties);
  tcase_add_test (tc, test_relay_fingerprint);
  tcase_add_test (tc, test_make_from_uri);
  tcase_add_test (tc, test_stats_before);
  return s;
}

GST_CHECK_MAIN (wzp_properties)
