#include "wzp-node-private.h"
#include "wzp-test.h"

#include <math.h>

#define FINGERPRINT "0123:4567:89ab:cdef:0123:4567:89ab:cdef"
#define SHA256                                                                 \
  "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"                           \
  "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"
#define NAME_63                                                                \
  "a23456789b123456789c123456789d123456789e123456789f123456789g123"

/* A caller that is right; each case changes it. */
static void
fill (WzpNodeConfig *config)
{
  wzp_node_config_init (config);
  config->relay = "relay.example";
  config->peer = "cam1";
}

static void
assert_right (const WzpNodeConfig *config)
{
  g_autoptr (GError) error = NULL;
  gboolean right = wzp_node_config_check (config, &error);

  g_assert_no_error (error);
  g_assert_true (right);
}

/* The message must name @field. */
static void
assert_wrong (const WzpNodeConfig *config, const char *field)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *begins = g_strconcat (field, ": ", NULL);

  g_assert_false (wzp_node_config_check (config, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  if (!g_str_has_prefix (error->message, begins))
    g_error ("%s: \"%s\"", field, error->message);
}

typedef struct {
  gsize offset;
  const char *field;
  const char *right[6], *wrong[8];
} TextCase;

#define FIELD(name) G_STRUCT_OFFSET (WzpNodeConfig, name)

static const TextCase text_cases[] = {
  { FIELD (relay), "relay",
      { "relay.example", "relay.example:1", "192.0.2.1", "[2001:db8::1]:4433" },
      { "", "relay.example:", "relay.example:0", "relay.example:65536", "a b",
          "[2001:db8::1" } },
  { FIELD (relay_fingerprint), "relay-fingerprint", { SHA256 },
      { "", "00:11", FINGERPRINT, SHA256 ":00" } },
  { FIELD (alias), "alias", { NULL, "a", "cam-1.front_door", NAME_63 },
      { "", "a b", "a/b", "_signal", "k\xc3\xa4se", NAME_63 "4" } },
  { FIELD (peer), "peer", { "a", FINGERPRINT, NAME_63 },
      { "", "a b", FINGERPRINT ":0", NAME_63 "4" } },
  { FIELD (peer_fingerprint), "peer-fingerprint", { NULL, FINGERPRINT },
      { "", "cam1", "0123", FINGERPRINT ":0", SHA256 } },
  { FIELD (bind_address), "bind-address", { NULL, "127.0.0.1", "::1" },
      { "", "localhost", "127.0.0.1:5", "1.2.3", "[::1]" } },
};

static void
test_texts (WzpTest *test, gconstpointer data)
{
  g_test_summary ("What each text may be; the error names the field");
  for (guint c = 0; c < G_N_ELEMENTS (text_cases); c++) {
    const TextCase *text = &text_cases[c];
    WzpNodeConfig config;

    fill (&config);
    for (guint i = 0; i < G_N_ELEMENTS (text->right); i++) {
      if (i > 0 && text->right[i] == NULL)
        continue;
      G_STRUCT_MEMBER (const char *, &config, text->offset) = text->right[i];
      assert_right (&config);
    }
    for (guint i = 0; text->wrong[i] != NULL; i++) {
      G_STRUCT_MEMBER (const char *, &config, text->offset) = text->wrong[i];
      assert_wrong (&config, text->field);
    }
  }
}

static void
test_needed (WzpTest *test, gconstpointer data)
{
  WzpNodeConfig config;

  g_test_summary ("What each mode cannot do without");
  fill (&config);
  config.peer = NULL;
  assert_wrong (&config, "peer");
  config.mode = WZP_MODE_LISTENER;
  assert_right (&config);
  config.relay = NULL;
  assert_wrong (&config, "relay");
  config.mode = WZP_MODE_APP;
  assert_right (&config);
  config.policy = WZP_POLICY_RELAY;
  assert_wrong (&config, "relay");
  config.policy = WZP_POLICY_DIRECT;
  assert_right (&config);

  fill (&config);
  config.relay_trust = WZP_RELAY_TRUST_PIN;
  assert_wrong (&config, "relay-fingerprint");
  config.relay_fingerprint = SHA256;
  assert_right (&config);

  fill (&config);
  config.accept_mode = WZP_ACCEPT_REJECT;
  assert_wrong (&config, "accept-mode");
  config.accept_mode = WZP_ACCEPT_GENERIC;
  assert_right (&config);
  config.policy = WZP_POLICY_DIRECT;
  assert_wrong (&config, "transport-policy");
}

static void
test_numbers (WzpTest *test, gconstpointer data)
{
  static const double wrong[] = { -0.001, -INFINITY, INFINITY, NAN, 1e300,
    24 * 3600 + 1 };
  static const double right[] = { 0, 0.001, 24 * 3600 };
  WzpNodeConfig config;

  g_test_summary ("Numbers that no delay can be made of");
  fill (&config);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    config.retry_backoff_factor = wrong[i];
    assert_wrong (&config, "retry-backoff-factor");
    config.retry_backoff_factor = 1;
    config.retry_backoff_max = wrong[i];
    assert_wrong (&config, "retry-backoff-max");
    config.retry_backoff_max = 1;
  }
  for (guint i = 0; i < G_N_ELEMENTS (right); i++) {
    config.retry_backoff_factor = config.retry_backoff_max = right[i];
    assert_right (&config);
  }
  config.retries = 0;
  assert_right (&config);
  config.retries = -2;
  assert_wrong (&config, "retries");
}

static void
test_copy (WzpTest *test, gconstpointer data)
{
  char relay[] = "relay.example";
  WzpNodeConfig config, copy;

  g_test_summary ("A copy keeps texts of its own and fills in the defaults");
  wzp_node_config_init (&config);
  config.relay = relay;
  config.peer = config.alias = config.token = "x";
  config.known_relays_path = config.bind_address = "y";
  config.relay_fingerprint = config.peer_fingerprint = "z";
  config.latency_ms = config.direct_timeout_ms = config.relay_timeout_ms = 0;
  config.relay_grace_ms = config.direct_grace_ms = 0;
  config.retry_backoff_factor = config.retry_backoff_max = 0;
  config.retries = 0;
  wzp_node_config_copy (&copy, &config);
  relay[0] = '-';
  g_assert_cmpstr (copy.relay, ==, "relay.example");
  g_assert_cmpstr (copy.peer, ==, "x");
  g_assert_cmpstr (copy.alias, ==, "x");
  g_assert_cmpstr (copy.token, ==, "x");
  g_assert_cmpstr (copy.known_relays_path, ==, "y");
  g_assert_cmpstr (copy.bind_address, ==, "y");
  g_assert_cmpstr (copy.relay_fingerprint, ==, "z");
  g_assert_cmpstr (copy.peer_fingerprint, ==, "z");
  g_assert_cmpuint (copy.latency_ms, ==, WZP_DEFAULT_LATENCY_MS);
  g_assert_cmpuint (copy.direct_timeout_ms, ==, 2000);
  g_assert_cmpuint (copy.relay_timeout_ms, ==, 10000);
  g_assert_cmpuint (copy.relay_grace_ms, ==, 5000);
  g_assert_cmpuint (copy.direct_grace_ms, ==, 1500);
  g_assert_cmpfloat (copy.retry_backoff_factor, ==, 1.0);
  g_assert_cmpfloat (copy.retry_backoff_max, ==, 30.0);
  /* Here 0 means 0. */
  g_assert_cmpint (copy.retries, ==, 0);
  wzp_node_config_clear (&copy);
}

static void
test_timeline_folder (WzpTest *test, gconstpointer data)
{
  WzpNodeConfig config, copy;

  g_test_summary ("What is set counts before the environment; empty is unset");
  fill (&config);
  g_unsetenv ("WZP_TIMELINE_DIR");
  wzp_node_config_copy (&copy, &config);
  g_assert_null (copy.timeline_folder);
  wzp_node_config_clear (&copy);

  g_setenv ("WZP_TIMELINE_DIR", "", TRUE);
  wzp_node_config_copy (&copy, &config);
  g_assert_null (copy.timeline_folder);
  wzp_node_config_clear (&copy);

  g_setenv ("WZP_TIMELINE_DIR", "there", TRUE);
  wzp_node_config_copy (&copy, &config);
  g_assert_cmpstr (copy.timeline_folder, ==, "there");
  wzp_node_config_clear (&copy);

  config.timeline_folder = "here";
  wzp_node_config_copy (&copy, &config);
  g_assert_cmpstr (copy.timeline_folder, ==, "here");
  wzp_node_config_clear (&copy);
  g_unsetenv ("WZP_TIMELINE_DIR");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/node-config/texts", NULL, test_texts);
  wzp_test_add ("/node-config/needed", NULL, test_needed);
  wzp_test_add ("/node-config/numbers", NULL, test_numbers);
  wzp_test_add ("/node-config/copy", NULL, test_copy);
  wzp_test_add ("/node-config/timeline-folder", NULL, test_timeline_folder);
  return wzp_test_run ();
}
