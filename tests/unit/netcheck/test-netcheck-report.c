/* The report, of results made by hand. */
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-netcheck-report.h"

#include <locale.h>
#include <string.h>

static WzpAddr
addr_of (const char *text)
{
  WzpAddr addr;
  g_autoptr (GError) error = NULL;

  wzp_addr_parse (text, &addr, &error);
  g_assert_no_error (error);
  return addr;
}

static WzpNetcheckProbe *
add_answer (WzpNetcheckRelay *relay, const WzpNetcheckProbe *after,
    const char *server, const char *observed)
{
  const WzpAddr addr = addr_of (server);
  WzpNetcheckProbe *probe = wzp_netcheck_relay_add_probe (relay, after, &addr);

  probe->is_second = after != NULL;
  probe->answer = WZP_NAT_ANSWERED;
  probe->handshake_us = 12345;
  probe->reflect_us = 999;
  probe->local = addr_of ("192.168.1.2:40000");
  probe->observed = addr_of (observed);
  probe->has_certificate = TRUE;
  memset (probe->cert_sha256, 0xab, sizeof probe->cert_sha256);
  return probe;
}

/* A relay with a second port, one that is silent, one without a name. */
static WzpNetcheckResult *
make_result (void)
{
  const WzpAddr silent = addr_of ("203.0.113.2:4433");
  WzpNetcheckResult *result = wzp_netcheck_result_new ();
  WzpNetcheckRelay *relay =
      wzp_netcheck_result_add_relay (result, "relay.example.org");
  WzpNetcheckProbe *probe;

  result->port4 = 40000;
  probe = wzp_netcheck_relay_add_probe (relay, NULL, &silent);
  probe->error =
      g_error_new_literal (WZP_ERROR, WZP_ERROR_TIMED_OUT, "No answer");
  probe = add_answer (relay, NULL, "203.0.113.1:4433", "198.51.100.7:5000");
  add_answer (relay, probe, "203.0.113.1:4434", "198.51.100.7:5001");
  relay = wzp_netcheck_result_add_relay (result, "nowhere.invalid");
  relay->error =
      g_error_new_literal (WZP_ERROR, WZP_ERROR_UNREACHABLE, "No such name");
  wzp_netcheck_result_judge (result);
  return result;
}

static void
test_order (void)
{
  g_autoptr (WzpNetcheckResult) result = wzp_netcheck_result_new ();
  WzpNetcheckRelay *relay = wzp_netcheck_result_add_relay (result, "r");
  WzpNetcheckProbe *first =
      add_answer (relay, NULL, "203.0.113.1:1", "198.51.100.7:5000");
  WzpNetcheckProbe *last =
      add_answer (relay, NULL, "203.0.113.2:1", "198.51.100.7:5000");
  WzpNetcheckProbe *second =
      add_answer (relay, first, "203.0.113.1:2", "198.51.100.7:5000");

  g_test_summary ("A second port stands right behind the first");

  g_assert_cmpuint (relay->probes->len, ==, 3);
  g_assert_true (relay->probes->pdata[0] == first);
  g_assert_true (relay->probes->pdata[1] == second);
  g_assert_true (relay->probes->pdata[2] == last);
}

static void
test_complete (void)
{
  g_autoptr (WzpNetcheckResult) result = make_result ();

  g_assert_true (wzp_netcheck_relay_has_answered (result->relays->pdata[0]));
  g_assert_false (wzp_netcheck_result_is_complete (result));
  g_ptr_array_remove_index (result->relays, 1);
  g_assert_true (wzp_netcheck_result_is_complete (result));
}

static void
test_text (void)
{
  g_autoptr (WzpNetcheckResult) result = make_result ();
  g_autofree char *text = wzp_netcheck_report_text (result);

  g_test_message ("%s", text);
  g_assert_cmpstr (text, ==,
      "relay.example.org\n"
      "  203.0.113.2:4433: No answer\n"
      "  fingerprint ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:"
      "ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab\n"
      "  203.0.113.1:4433: handshake 12.3 ms, Reflect 0.9 ms, sees "
      "198.51.100.7:5000\n"
      "  (local address 192.168.1.2:40000)\n"
      "    second port 4434: handshake 12.3 ms, Reflect 0.9 ms, sees\n"
      "    198.51.100.7:5001 (local address 192.168.1.2:40000)\n"
      "nowhere.invalid\n"
      "  No such name\n"
      "\n"
      "IPv4: address-and-port-dependent, seen as 198.51.100.7:5000 from port "
      "40000\n"
      "  A NAT with address and port-dependent mapping (\"symmetric\"): "
      "another "
      "public\n"
      "  address or port for each address and port that is sent to. It changes "
      "port\n"
      "  numbers. Its ports follow each other by 1.\n"
      "  Direct calls can be expected with peers that need no NAT to be "
      "passed; "
      "with\n"
      "  most others the call stays on the relay, though ports in a row can "
      "be\n"
      "  guessed.\n");
}

static void
test_json (void)
{
  g_autoptr (WzpNetcheckResult) result = make_result ();
  g_autofree char *text = wzp_netcheck_report_json (result);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = wzp_json_parse (text, strlen (text), &error);
  JsonObject *object, *relay, *probe, *ipv4;
  JsonArray *relays, *addresses;

  g_assert_no_error (error);
  object = json_node_get_object (root);
  relays = json_object_get_array_member (object, "relays");
  g_assert_cmpuint (json_array_get_length (relays), ==, 2);
  relay = json_array_get_object_element (relays, 0);
  g_assert_cmpstr (
      json_object_get_string_member (relay, "relay"), ==, "relay.example.org");
  g_assert_true (json_object_get_boolean_member (relay, "answered"));
  addresses = json_object_get_array_member (relay, "addresses");
  g_assert_cmpuint (json_array_get_length (addresses), ==, 3);

  probe = json_array_get_object_element (addresses, 0);
  g_assert_cmpstr (
      json_object_get_string_member (probe, "error"), ==, "No answer");
  g_assert_false (json_object_get_boolean_member (probe, "answered"));
  g_assert_false (json_object_has_member (probe, "handshake_us"));
  g_assert_false (json_object_has_member (probe, "observed"));
  g_assert_false (json_object_has_member (probe, "fingerprint"));

  probe = json_array_get_object_element (addresses, 2);
  g_assert_true (json_object_get_boolean_member (probe, "second_port"));
  g_assert_cmpstr (
      json_object_get_string_member (probe, "address"), ==, "203.0.113.1:4434");
  g_assert_cmpstr (json_object_get_string_member (probe, "observed"), ==,
      "198.51.100.7:5001");
  g_assert_cmpint (
      json_object_get_int_member (probe, "handshake_us"), ==, 12345);
  g_assert_cmpint (json_object_get_int_member (probe, "reflect_us"), ==, 999);

  relay = json_array_get_object_element (relays, 1);
  g_assert_cmpstr (
      json_object_get_string_member (relay, "error"), ==, "No such name");

  ipv4 = json_object_get_object_member (object, "ipv4");
  g_assert_cmpstr (json_object_get_string_member (ipv4, "type"), ==,
      "address-and-port-dependent");
  g_assert_cmpstr (
      json_object_get_string_member (ipv4, "nat"), ==, "symmetric");
  g_assert_cmpint (json_object_get_int_member (ipv4, "max_step"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (ipv4, "asked"), ==, 3);
  g_assert_cmpint (json_object_get_int_member (ipv4, "answered"), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (
                       json_object_get_object_member (object, "ipv6"), "type"),
      ==, "unavailable");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/netcheck-report/order", test_order);
  g_test_add_func ("/netcheck-report/complete", test_complete);
  g_test_add_func ("/netcheck-report/text", test_text);
  g_test_add_func ("/netcheck-report/json", test_json);

  return g_test_run ();
}
