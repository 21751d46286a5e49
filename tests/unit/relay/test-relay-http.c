#include "wzp-relay-http.h"

#include "wzp-error.h"
#include "wzp-test.h"

#include <gio/gio.h>
#include <string.h>

typedef struct {
  WzpTest *test;
  WzpRelayHttp *http;
  gboolean is_draining;
  guint n_made;
  gsize body_len; /* of /metrics */
} Fixture;

static char *
make_metrics (gpointer user_data)
{
  Fixture *f = user_data;

  f->n_made++;
  return g_strnfill (f->body_len, 'm');
}

static gboolean
is_draining (gpointer user_data)
{
  return ((Fixture *) user_data)->is_draining;
}

static const WzpRelayHttpHandler handler = {
  .make_metrics = make_metrics,
  .is_draining = is_draining,
};

static void
fixture_start (Fixture *f, WzpTest *test, const char *address)
{
  g_autoptr (GError) error = NULL;

  f->test = test;
  f->body_len = 10;
  f->http = wzp_relay_http_new (test->context, address, &handler, f, &error);
  g_assert_no_error (error);
}

static GSocket *
dial (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnectable) parsed =
      g_network_address_parse (wzp_relay_http_get_address (f->http), 0, &error);
  g_autoptr (GSocketAddress) addr = g_inet_socket_address_new_from_string (
      g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed)),
      g_network_address_get_port (G_NETWORK_ADDRESS (parsed)));
  GSocket *socket = g_socket_new (g_socket_address_get_family (addr),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  /* The kernel's queue takes it: nobody has to run for that. */
  g_assert_true (g_socket_connect (socket, addr, NULL, &error));
  g_socket_set_blocking (socket, FALSE);
  return socket;
}

static void
send_text (GSocket *socket, const char *text)
{
  g_assert_cmpint (g_socket_send (socket, text, strlen (text), NULL, NULL), ==,
      (gssize) strlen (text));
}

/* Takes what is there. FALSE: the other side has closed. */
static gboolean
receive_some (GSocket *socket, GString *answer)
{
  char buf[4096];
  g_autoptr (GError) error = NULL;
  const gssize n = g_socket_receive (socket, buf, sizeof buf, NULL, &error);

  if (n > 0)
    g_string_append_len (answer, buf, n);
  return n > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* All of an answer, to the connection's end. */
static char *
finish (Fixture *f, GSocket *socket)
{
  GString *answer = g_string_new (NULL);

  wzp_test_assert_until (f->test, !receive_some (socket, answer), 5000);
  g_object_unref (socket);
  return g_string_free (answer, FALSE);
}

/* One request of its own connection. */
static char *
request (Fixture *f, const char *line)
{
  g_autofree char *text = g_strconcat (
      line, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", NULL);
  GSocket *socket = dial (f);

  send_text (socket, text);
  return finish (f, socket);
}

static void
assert_answer (Fixture *f, const char *line, const char *status,
    const char *header, const char *body)
{
  g_autofree char *answer = request (f, line);
  const char *end = strstr (answer, "\r\n\r\n");

  g_assert_nonnull (end);
  if (!g_str_has_prefix (answer, status))
    g_error ("%s: %s", line, answer);
  if (header != NULL && strstr (answer, header) == NULL)
    g_error ("%s: no \"%s\" in: %s", line, header, answer);
  g_assert_cmpstr (end + 4, ==, body);
}

static void
test_answers (WzpTest *test, gconstpointer data)
{
  static const char type[] =
      "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
  Fixture f = { NULL };

  fixture_start (&f, test, "127.0.0.1:0");
  assert_answer (&f, "GET /metrics", "HTTP/1.1 200 ", type, "mmmmmmmmmm");
  assert_answer (&f, "GET /metrics?a=b", "HTTP/1.1 200 ", type, "mmmmmmmmmm");
  assert_answer (
      &f, "HEAD /metrics", "HTTP/1.1 200 ", "Content-Length: 10\r\n", "");
  g_assert_cmpuint (f.n_made, ==, 3);
  assert_answer (&f, "GET /healthz", "HTTP/1.1 200 ",
      "Cache-Control: no-store\r\n", "ok\n");
  f.is_draining = TRUE;
  assert_answer (&f, "GET /healthz", "HTTP/1.1 503 ", NULL, "draining\n");
  assert_answer (&f, "HEAD /healthz", "HTTP/1.1 503 ", NULL, "");
  wzp_relay_http_free (f.http);
}

static void
test_refusals (WzpTest *test, gconstpointer data)
{
  static const char *const unknown[] = { "GET /", "GET /metrics/",
    "GET //metrics", "GET /metricsx", "GET /Metrics", "GET /../etc/passwd",
    "GET /healthz/../metrics", "GET /%2e%2e/metrics", "POST /nothing",
    "GET http://x/metrics/x" };
  static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS",
    "PATCH", "get", "X" };
  Fixture f = { NULL };

  fixture_start (&f, test, "127.0.0.1:0");
  for (gsize i = 0; i < G_N_ELEMENTS (unknown); i++)
    assert_answer (&f, unknown[i], "HTTP/1.1 404 ", NULL, "not found\n");
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++) {
    g_autofree char *metrics = g_strconcat (methods[i], " /metrics", NULL);
    g_autofree char *health = g_strconcat (methods[i], " /healthz", NULL);

    assert_answer (&f, metrics, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n",
        "GET and HEAD only\n");
    assert_answer (&f, health, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n",
        "GET and HEAD only\n");
  }
  g_assert_cmpuint (f.n_made, ==, 0);
  wzp_relay_http_free (f.http);
}

static void
test_body (WzpTest *test, gconstpointer data)
{
  Fixture f = { NULL };
  g_autofree char *answer = NULL;
  GSocket *socket;

  g_test_summary ("A body that never comes is not waited for");

  fixture_start (&f, test, "127.0.0.1:0");
  socket = dial (&f);
  send_text (socket,
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx");
  answer = finish (&f, socket);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 405 "));
  wzp_relay_http_free (f.http);
}

static void
test_large_request (WzpTest *test, gconstpointer data)
{
  Fixture f = { NULL };
  g_autofree char *header = g_strnfill (WZP_RELAY_HTTP_MAX_REQUEST, 'h');
  g_autofree char *text = g_strconcat (
      "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ", header, "\r\n\r\n", NULL);
  g_autofree char *answer = NULL;
  GSocket *socket;

  fixture_start (&f, test, "127.0.0.1:0");
  socket = dial (&f);
  g_socket_send (socket, text, strlen (text), NULL, NULL);
  answer = finish (&f, socket);
  g_assert_cmpuint (f.n_made, ==, 0);
  if (*answer != '\0' && !g_str_has_prefix (answer, "HTTP/1.1 4"))
    g_error ("answered by: %s", answer);
  assert_answer (&f, "GET /healthz", "HTTP/1.1 200 ", NULL, "ok\n");
  wzp_relay_http_free (f.http);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  Fixture f = { NULL };

  fixture_start (&f, test, "127.0.0.1:0");
  for (guint i = 0; i < 200; i++) {
    GSocket *socket = dial (&f);
    char text[300];

    for (gsize j = 0; j < sizeof text; j++)
      text[j] = (char) g_rand_int_range (rand, 0, 256);
    memcpy (text + sizeof text - 4, "\r\n\r\n", 4);
    g_socket_send (socket, text, sizeof text, NULL, NULL);
    wzp_test_drain (test->context);
    g_object_unref (socket);
  }
  g_assert_cmpuint (f.n_made, ==, 0);
  assert_answer (&f, "GET /healthz", "HTTP/1.1 200 ", NULL, "ok\n");
  wzp_relay_http_free (f.http);
}

static gboolean
on_tick (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

static void
test_slow_client (WzpTest *test, gconstpointer data)
{
  Fixture f = { NULL };
  guint n_ticks = 0;
  GSource *tick = g_timeout_source_new (1);
  GSocket *stalled[2];

  g_test_summary ("One that does not read, and one that does not write on, "
                  "hold nobody up");

  fixture_start (&f, test, "127.0.0.1:0");
  /* More than any socket's buffers. */
  f.body_len = 32 * 1024 * 1024;
  stalled[0] = dial (&f);
  send_text (stalled[0], "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  stalled[1] = dial (&f);
  send_text (stalled[1], "GET /metr");
  wzp_test_assert_until (test, f.n_made == 1, 5000);

  g_source_set_callback (tick, on_tick, &n_ticks, NULL);
  g_source_attach (tick, test->context);
  wzp_test_assert_until (test, n_ticks >= 20, 5000);
  f.body_len = 10;
  assert_answer (&f, "GET /metrics", "HTTP/1.1 200 ", NULL, "mmmmmmmmmm");
  g_source_destroy (tick);
  g_source_unref (tick);
  /* With answers under way. */
  wzp_relay_http_free (f.http);
  for (gsize i = 0; i < G_N_ELEMENTS (stalled); i++)
    g_object_unref (stalled[i]);
}

static void
test_many (WzpTest *test, gconstpointer data)
{
  enum {
    N = WZP_RELAY_HTTP_MAX_CONNECTIONS + 6
  };
  Fixture f = { NULL };
  GSocket *sockets[N];

  g_test_summary ("Those over the limit wait in the kernel until one has gone");

  fixture_start (&f, test, "127.0.0.1:0");
  for (guint i = 0; i < N; i++) {
    sockets[i] = dial (&f);
    wzp_test_drain (test->context);
    if (i >= WZP_RELAY_HTTP_MAX_CONNECTIONS)
      send_text (sockets[i],
          "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  wzp_test_drain (test->context);
  g_assert_cmpuint (f.n_made, ==, 0);
  for (guint i = 0; i < WZP_RELAY_HTTP_MAX_CONNECTIONS; i++)
    g_object_unref (sockets[i]);
  for (guint i = WZP_RELAY_HTTP_MAX_CONNECTIONS; i < N; i++) {
    g_autofree char *answer = finish (&f, sockets[i]);

    g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200 "));
  }
  wzp_relay_http_free (f.http);
}

static void
test_addresses (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "", "127.0.0.1", "localhost:0",
    "127.0.0.1:99999" };
  Fixture f = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (wzp_relay_http_is_there ());
  fixture_start (&f, test, "127.0.0.1:0");
  g_assert_false (g_str_has_suffix (wzp_relay_http_get_address (f.http), ":0"));
  g_assert_null (wzp_relay_http_new (test->context,
      wzp_relay_http_get_address (f.http), &handler, &f, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  wzp_relay_http_free (f.http);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_clear_error (&error);
    g_assert_null (
        wzp_relay_http_new (test->context, bad[i], &handler, &f, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
}

static void
test_ipv6 (WzpTest *test, gconstpointer data)
{
  Fixture f = { .test = test, .body_len = 10 };
  g_autoptr (GError) error = NULL;

  f.http = wzp_relay_http_new (test->context, "[::1]:0", &handler, &f, &error);
  if (f.http == NULL) {
    g_test_skip (error->message);
    return;
  }
  g_assert_true (
      g_str_has_prefix (wzp_relay_http_get_address (f.http), "[::1]:"));
  assert_answer (&f, "GET /healthz", "HTTP/1.1 200 ", NULL, "ok\n");
  wzp_relay_http_free (f.http);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-http/answers", NULL, test_answers);
  wzp_test_add ("/relay-http/refusals", NULL, test_refusals);
  wzp_test_add ("/relay-http/body", NULL, test_body);
  wzp_test_add ("/relay-http/large-request", NULL, test_large_request);
  wzp_test_add ("/relay-http/garbage", NULL, test_garbage);
  wzp_test_add ("/relay-http/slow-client", NULL, test_slow_client);
  wzp_test_add ("/relay-http/many", NULL, test_many);
  wzp_test_add ("/relay-http/addresses", NULL, test_addresses);
  wzp_test_add ("/relay-http/ipv6", NULL, test_ipv6);
  return wzp_test_run ();
}
