/* The program itself, asking relays that are programs. */
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-test.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>

/* A relay that runs. */
typedef struct {
  GSubprocess *process; /* owned */
  char *address;        /* owned: "127.0.0.1:port" */
  char *fingerprint;    /* owned */
} Relay;

/* What a check said. */
typedef struct {
  int status;
  char *output, *errors; /* owned */
} Said;

static GSubprocess *
start (const char *program, const char *options, GSubprocessFlags flags)
{
  g_autofree char *line = g_strdup_printf ("%s %s", program, options);
  g_auto (GStrv) args = g_strsplit (line, " ", -1);
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_newv ((const char *const *) args,
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | flags, &error);

  g_assert_no_error (error);
  return process;
}

static Relay
start_relay (const char *options)
{
  g_autofree char *line = g_strdup_printf (
      "--no-config --port 0 --ephemeral-key --print-address --quiet %s",
      options);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  Relay relay = { NULL };

  relay.process = start (g_getenv ("WZP_RELAY"), line, G_SUBPROCESS_FLAGS_NONE);
  output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (relay.process));
  for (;;) {
    g_autofree char *text =
        g_data_input_stream_read_line (output, NULL, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (text);
    if (g_str_equal (text, "ready"))
      break;
    if (g_str_has_prefix (text, "relay=")) {
      char *space = strchr (text, ' ');

      g_assert_nonnull (space);
      relay.address = g_strndup (text + 6, (gsize) (space - text) - 6);
      relay.fingerprint = g_strdup (space + strlen (" fingerprint="));
    }
  }
  g_assert_nonnull (relay.address);
  return relay;
}

static void
stop_relay (Relay *relay)
{
  g_subprocess_send_signal (relay->process, SIGINT);
  g_assert_true (g_subprocess_wait (relay->process, NULL, NULL));
  g_object_unref (relay->process);
  g_free (relay->address);
  g_free (relay->fingerprint);
}

static Said
check (const char *options)
{
  g_autoptr (GSubprocess) process = start (
      g_getenv ("WZP_NETCHECK"), options, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GError) error = NULL;
  Said said = { 0 };

  g_subprocess_communicate_utf8 (
      process, NULL, NULL, &said.output, &said.errors, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  said.status = g_subprocess_get_exit_status (process);
  g_test_message (
      "%s: %d\n%s%s", options, said.status, said.output, said.errors);
  return said;
}

static void
clear_said (Said *said)
{
  g_free (said->output);
  g_free (said->errors);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Said, clear_said)

/* A port of 127.0.0.1 where nobody is as long as @socket is open. */
static guint16
reserve_port (GSocket *socket)
{
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  g_socket_bind (socket, any, FALSE, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (socket, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static gboolean
has_ipv6 (void)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV6,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);

  return socket != NULL && g_socket_bind (socket, any, FALSE, NULL);
}

static JsonObject *
verdict_of (JsonNode *root, const char *family)
{
  return json_object_get_object_member (json_node_get_object (root), family);
}

static JsonArray *
addresses_of (JsonNode *root, guint relay)
{
  JsonArray *relays =
      json_object_get_array_member (json_node_get_object (root), "relays");

  return json_object_get_array_member (
      json_array_get_object_element (relays, relay), "addresses");
}

static void
test_both_families (WzpTest *test, gconstpointer data)
{
  Relay four, six;
  g_autofree char *options = NULL;
  g_auto (Said) said = { 0 };
  g_autoptr (JsonNode) root = NULL;

  if (!has_ipv6 ()) {
    g_test_skip ("No IPv6 on loopback here");
    return;
  }
  four = start_relay ("--listen 127.0.0.1");
  six = start_relay ("--listen ::1");
  options = g_strdup_printf ("--json %s %s", four.address, six.address);
  said = check (options);

  g_assert_cmpint (said.status, ==, 0);
  g_assert_cmpstr (said.errors, ==, "");
  root = wzp_json_parse (said.output, strlen (said.output), NULL);
  g_assert_nonnull (root);
  g_assert_cmpstr (
      json_object_get_string_member (verdict_of (root, "ipv4"), "type"), ==,
      "none");
  g_assert_cmpstr (
      json_object_get_string_member (verdict_of (root, "ipv6"), "type"), ==,
      "none");
  g_assert_cmpstr (
      json_object_get_string_member (
          json_array_get_object_element (addresses_of (root, 1), 0),
          "fingerprint"),
      ==, six.fingerprint);
  stop_relay (&four);
  stop_relay (&six);
}

static void
test_unreachable (WzpTest *test, gconstpointer data)
{
  Relay relay = start_relay ("--listen 127.0.0.1");
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  const guint16 port = reserve_port (socket);
  g_autofree char *options =
      g_strdup_printf ("-t 1 %s 127.0.0.1:%u", relay.address, port);
  g_autofree char *silent =
      g_strdup_printf ("  127.0.0.1:%u: No answer over UDP within 1 s\n", port);
  g_auto (Said) said = check (options);

  g_test_summary ("One does not answer: said in words, and status 1");

  g_assert_cmpint (said.status, ==, 1);
  g_assert_nonnull (strstr (said.output, relay.fingerprint));
  g_assert_nonnull (strstr (said.output, silent));
  stop_relay (&relay);
}

static void
test_second_port (WzpTest *test, gconstpointer data)
{
  Relay relay = start_relay ("--listen 127.0.0.1 --second-port 0");
  g_autofree char *options =
      g_strdup_printf ("--json --trust pin --fingerprint %s %s",
          relay.fingerprint, relay.address);
  g_auto (Said) said = check (options);
  g_autoptr (JsonNode) root = NULL;
  JsonObject *second;

  g_assert_cmpint (said.status, ==, 0);
  root = wzp_json_parse (said.output, strlen (said.output), NULL);
  g_assert_nonnull (root);
  g_assert_cmpuint (json_array_get_length (addresses_of (root, 0)), ==, 2);
  second = json_array_get_object_element (addresses_of (root, 0), 1);
  g_assert_true (json_object_get_boolean_member (second, "second_port"));
  g_assert_true (json_object_get_boolean_member (second, "answered"));
  g_assert_cmpstr (json_object_get_string_member (second, "fingerprint"), ==,
      relay.fingerprint);
  g_assert_true (json_object_get_boolean_member (
      verdict_of (root, "ipv4"), "several_ports"));
  stop_relay (&relay);
}

static void
test_nothing_is_remembered (WzpTest *test, gconstpointer data)
{
  Relay relay = start_relay ("--listen 127.0.0.1");
  g_autofree char *known = g_build_filename (
      g_get_user_config_dir (), "gst-wzp", "known_relays", NULL);
  g_auto (Said) said = check (relay.address);

  g_test_summary ("A mere check writes no known_relays");

  g_assert_cmpint (said.status, ==, 0);
  g_assert_false (g_file_test (known, G_FILE_TEST_EXISTS));
  stop_relay (&relay);
}

static void
test_bind_port (WzpTest *test, gconstpointer data)
{
  Relay relay = start_relay ("--listen 127.0.0.1");
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  const guint16 port = reserve_port (socket);
  g_autofree char *options = g_strdup_printf (
      "--bind-address 127.0.0.1 --bind-port %u %s", port, relay.address);
  g_autofree char *seen = g_strdup_printf ("seen as 127.0.0.1:%u ", port);
  g_auto (Said) taken = check (options);
  g_auto (Said) said = { 0 };

  g_assert_cmpint (taken.status, ==, 1);
  g_assert_true (g_str_has_prefix (taken.errors, "wzp-netcheck: "));
  g_assert_cmpstr (taken.output, ==, "");
  g_clear_object (&socket);
  said = check (options);
  g_assert_cmpint (said.status, ==, 0);
  g_assert_nonnull (strstr (said.output, seen));
  stop_relay (&relay);
}

static void
test_words (WzpTest *test, gconstpointer data)
{
  g_auto (Said) version = check ("--version");
  g_auto (Said) usage = check ("--bind-port 99999 127.0.0.1");

  g_assert_cmpint (version.status, ==, 0);
  g_assert_cmpstr (version.output, ==, "wzp-netcheck " WZP_VERSION "\n");
  g_assert_cmpint (usage.status, ==, 2);
  g_assert_nonnull (strstr (usage.errors, "99999"));
  g_assert_cmpstr (usage.output, ==, "");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/netcheck-main/both-families", NULL, test_both_families);
  wzp_test_add ("/netcheck-main/unreachable", NULL, test_unreachable);
  wzp_test_add ("/netcheck-main/second-port", NULL, test_second_port);
  wzp_test_add (
      "/netcheck-main/nothing-is-remembered", NULL, test_nothing_is_remembered);
  wzp_test_add ("/netcheck-main/bind-port", NULL, test_bind_port);
  wzp_test_add ("/netcheck-main/words", NULL, test_words);
  return wzp_test_run ();
}
