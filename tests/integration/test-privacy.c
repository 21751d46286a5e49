/* accept-mode=generic: no address of the callee gets to the caller in any
 * message that leaves the relay, whatever the callee sends. */
#include "wzp-conn.h"
#include "wzp-party.h"
#include "wzp-signal-client.h"
#include "wzp-stream-frame.h"

#include <string.h>

/* Each party has an address of its own, so that a text says whose it is. */
#define CALLER "127.0.0.1"
#define CALLEE "127.0.0.2"

/* ---- the capture: the linker puts this before all that goes by streams ----
 */

static GMutex lock;
static GPtrArray *captured; /* with the lock: of char *: what left the relay for
                             * the caller */
static gboolean is_sloppy;  /* the callee tells its addresses all the same */

gboolean
__real_wzp_conn_send_stream (WzpConn *conn, GBytes *bytes, GError **error);
gboolean
__wrap_wzp_conn_send_stream (WzpConn *conn, GBytes *bytes, GError **error);
gboolean __real_wzp_signal_client_send (
    WzpSignalClient *self, const WzpMessage *message, GError **error);
gboolean __wrap_wzp_signal_client_send (
    WzpSignalClient *self, const WzpMessage *message, GError **error);

gboolean
__wrap_wzp_conn_send_stream (WzpConn *conn, GBytes *bytes, GError **error)
{
  char to[WZP_ADDR_MAX_STRLEN];
  gsize len;
  const char *data = g_bytes_get_data (bytes, &len);

  wzp_addr_to_string (wzp_conn_get_remote (conn), to);
  /* The relay is the only server that sends messages here. */
  if (wzp_conn_is_server (conn) && g_str_has_prefix (to, CALLER ":")) {
    g_mutex_lock (&lock);
    g_ptr_array_add (captured,
        g_strndup (data + WZP_STREAM_FRAME_HEADER_LEN,
            len - WZP_STREAM_FRAME_HEADER_LEN));
    g_mutex_unlock (&lock);
  }
  return __real_wzp_conn_send_stream (conn, bytes, error);
}

static void
put_in_addresses (WzpMessage *message)
{
  static const char *const local[] = { CALLEE ":7002", CALLEE ":7003", NULL };

  g_free (message->reflexive_addr);
  g_strfreev (message->local_addrs);
  message->reflexive_addr = g_strdup (CALLEE ":7001");
  message->local_addrs = g_strdupv ((char **) local);
}

gboolean
__wrap_wzp_signal_client_send (
    WzpSignalClient *self, const WzpMessage *message, GError **error)
{
  g_autoptr (WzpMessage) copy = wzp_message_copy (message);
  g_autoptr (WzpMessage) update = NULL;

  if (!is_sloppy || message->type != WZP_MESSAGE_DIRECT_CALL_ANSWER)
    return __real_wzp_signal_client_send (self, message, error);
  put_in_addresses (copy);
  if (!__real_wzp_signal_client_send (self, copy, error))
    return FALSE;
  update = wzp_message_new (WZP_MESSAGE_CANDIDATE_UPDATE);
  update->call_id = g_strdup (message->call_id);
  update->generation = 1;
  update->mapped_addr = g_strdup (CALLEE ":7004");
  put_in_addresses (update);
  return __real_wzp_signal_client_send (self, update, error);
}

/* How many captured messages have @text; tells each. */
static guint
count_captured (const char *text)
{
  guint n = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; i < captured->len; i++) {
    const char *json = captured->pdata[i];

    n += strstr (json, text) != NULL ? 1 : 0;
  }
  g_mutex_unlock (&lock);
  return n;
}

static void
tell_captured (void)
{
  g_mutex_lock (&lock);
  for (guint i = 0; i < captured->len; i++)
    g_test_message ("relay to caller: %.300s", (char *) captured->pdata[i]);
  g_mutex_unlock (&lock);
}

/* ---- the call ---- */

static WzpParty *
new_party (WzpTestRelay *relay, WzpMode mode, const char *address,
    WzpAcceptMode accept_mode)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = mode;
  config.bind_address = address;
  config.accept_mode = accept_mode;
  if (mode == WZP_MODE_LISTENER)
    config.alias = "cam1";
  else
    config.peer = "cam1";
  return wzp_party_new (&config);
}

typedef struct {
  WzpAcceptMode mode;
  gboolean is_sloppy;
} Case;

static const Case generic = { WZP_ACCEPT_GENERIC, FALSE };
static const Case sloppy = { WZP_ACCEPT_GENERIC, TRUE };
/* So that it is seen that the capture would see them. */
static const Case trusted = { WZP_ACCEPT_TRUSTED, FALSE };

static void
test_capture (WzpTest *test, gconstpointer data)
{
  const Case *c = data;
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER, CALLEE, c->mode);
  WzpParty *caller =
      new_party (relay, WZP_MODE_CALLER, CALLER, WZP_ACCEPT_TRUSTED);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (caller->node, "video", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv =
      wzp_node_add_recv_flow (listener->node, NULL, NULL);
  WzpTestSinkhole *hole = wzp_test_sinkhole_new (recv, 1000, 1);
  WzpTestSource *source;

  is_sloppy = c->is_sloppy;
  captured = g_ptr_array_new_with_free_func (g_free);
  wzp_party_start (listener);
  wzp_party_start (caller);
  source = wzp_test_source_new (send, "video/x-test", 50, 1000, 5000, 1, TRUE);
  g_assert_true (wzp_test_source_join (source));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->eos) == 1, 5000);
  g_assert_cmpuint (hole->frames, ==, 50);
  tell_captured ();

  /* What must have come did. */
  g_assert_cmpuint (count_captured ("\"DirectCallAnswer\""), ==, 1);
  g_assert_cmpuint (count_captured ("\"CallSetup\""), ==, 1);
  g_assert_cmpuint (count_captured ("\"ReflectResponse\""), ==, 1);
  if (c->mode == WZP_ACCEPT_GENERIC) {
    g_assert_cmpuint (count_captured (CALLEE), ==, 0);
    g_assert_cmpint (wzp_party_path (caller), ==, WZP_PATH_RELAY);
  } else {
    g_assert_cmpuint (count_captured (CALLEE), >=, 1);
  }
  wzp_party_free (caller);
  wzp_test_sinkhole_free (hole);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
  g_clear_pointer (&captured, g_ptr_array_unref);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/privacy/generic", &generic, test_capture);
  wzp_test_add ("/privacy/sloppy-callee", &sloppy, test_capture);
  wzp_test_add ("/privacy/trusted-is-seen", &trusted, test_capture);
  return wzp_test_run ();
}
