#include "wzp-check.h"

GstElement *
check_element_new (const char *factory)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  fail_unless (element != NULL, "no element %s", factory);
  g_object_set (element, "bind-address", "127.0.0.1", NULL);
  return element;
}

GstMessage *
check_wait_message (GstBus *bus, GstMessageType type)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (bus, CHECK_TIMEOUT_MS * GST_MSECOND, type);

  fail_unless (message != NULL, "no %s message within %u ms",
      gst_message_type_get_name (type), CHECK_TIMEOUT_MS);
  return message;
}

GstStructure *
check_resource_error (GstBus *bus, int code)
{
  g_autoptr (GstMessage) message = check_wait_message (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;
  const GstStructure *details;

  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code),
      "%s %d: %s (%s), not GST_RESOURCE_ERROR %d",
      g_quark_to_string (error->domain), error->code, error->message, debug,
      code);
  gst_message_parse_error_details (message, &details);
  fail_unless (details != NULL, "no details: %s", error->message);
  return gst_structure_copy (details);
}

static gboolean
state_is (GstElement *element, const char *nick)
{
  GEnumClass *klass;
  int state;
  gboolean same;

  g_object_get (element, "connection-state", &state, NULL);
  klass = g_type_class_ref (g_type_from_name ("GstWzpConnectionState"));
  same = g_str_equal (g_enum_get_value (klass, state)->value_nick, nick);
  g_type_class_unref (klass);
  return same;
}

typedef struct {
  GMutex lock;
  GCond cond;
  guint n_changes;
} StateWait;

static void
on_notify_state (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  StateWait *wait = user_data;

  g_mutex_lock (&wait->lock);
  wait->n_changes++;
  g_cond_signal (&wait->cond);
  g_mutex_unlock (&wait->lock);
}

void
check_wait_state (GstElement *element, const char *nick)
{
  const gint64 deadline = g_get_monotonic_time () + CHECK_TIMEOUT_MS * 1000;
  StateWait wait = { .n_changes = 0 };
  gulong id;
  guint seen = 0;
  gboolean in_time = TRUE;

  g_mutex_init (&wait.lock);
  g_cond_init (&wait.cond);
  id = g_signal_connect (
      element, "notify::connection-state", G_CALLBACK (on_notify_state), &wait);
  while (in_time && !state_is (element, nick)) {
    g_mutex_lock (&wait.lock);
    while (in_time && wait.n_changes == seen)
      in_time = g_cond_wait_until (&wait.cond, &wait.lock, deadline);
    seen = wait.n_changes;
    g_mutex_unlock (&wait.lock);
  }
  fail_unless (state_is (element, nick), "never %s", nick);
  g_signal_handler_disconnect (element, id);
  /* The handler may be under way in the session thread still. */
  g_mutex_lock (&wait.lock);
  g_mutex_unlock (&wait.lock);
}

/* The application's own signalling: as text, whole. */
static void
on_local_candidates (
    GstElement *element, const GstStructure *candidates, gpointer user_data)
{
  GstElement *other = user_data;
  g_autofree char *text = gst_structure_to_string (candidates);
  g_autoptr (GstStructure) parsed = gst_structure_from_string (text, NULL);
  gboolean taken = FALSE;

  fail_unless (parsed != NULL, "does not survive as text: %s", text);
  fail_unless (gst_structure_is_equal (parsed, candidates), "%s", text);
  g_signal_emit_by_name (other, "set-remote-candidates", parsed, &taken);
  fail_unless (taken);
}

void
check_exchange_candidates (GstElement *a, GstElement *b)
{
  g_signal_connect (a, "local-candidates", G_CALLBACK (on_local_candidates), b);
  g_signal_connect (b, "local-candidates", G_CALLBACK (on_local_candidates), a);
}

void
check_exchange_no_more (GstElement *a, GstElement *b)
{
  g_signal_handlers_disconnect_by_func (a, on_local_candidates, b);
  g_signal_handlers_disconnect_by_func (b, on_local_candidates, a);
}

GstHarness *
check_harness_new (GstElement *element)
{
  GstHarness *h = element->sinkpads != NULL
      ? gst_harness_new_with_element (element, "sink", NULL)
      : gst_harness_new_with_element (element, NULL, "src");

  gst_harness_use_systemclock (h);
  gst_object_unref (element);
  return h;
}

void
check_pair_init (CheckPair *self)
{
  GstElement *sink = check_element_new ("wzpsink");
  GstElement *src = check_element_new ("wzpsrc");

  g_object_set (
      sink, "mode", 2, "sync", FALSE, "wait-for-connection", TRUE, NULL);
  g_object_set (src, "mode", 2, NULL);
  check_exchange_candidates (sink, src);
  self->sink_bus = gst_bus_new ();
  self->src_bus = gst_bus_new ();
  gst_element_set_bus (sink, self->sink_bus);
  gst_element_set_bus (src, self->src_bus);
  self->sink = check_harness_new (sink);
  self->src = check_harness_new (src);
}

void
check_pair_start (CheckPair *self, const char *caps)
{
  gst_harness_play (self->src);
  gst_harness_play (self->sink);
  gst_harness_set_src_caps_str (self->sink, caps);
  check_wait_state (self->sink->element, "connected");
  check_wait_state (self->src->element, "connected");
}

void
check_pair_clear (CheckPair *self)
{
  gst_element_set_state (self->sink->element, GST_STATE_NULL);
  gst_element_set_state (self->src->element, GST_STATE_NULL);
  gst_element_set_bus (self->sink->element, NULL);
  gst_element_set_bus (self->src->element, NULL);
  g_clear_object (&self->sink_bus);
  g_clear_object (&self->src_bus);
  g_clear_pointer (&self->sink, gst_harness_teardown);
  g_clear_pointer (&self->src, gst_harness_teardown);
}

GstBuffer *
check_buffer_new (gsize size, guint seed)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < size; i++)
    map.data[i] = (guint8) (seed * 31 + i * 7 + (i >> 8));
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

void
check_push (CheckPair *self, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (self->sink, buffer), GST_FLOW_OK);
}

GstBuffer *
check_pull (CheckPair *self)
{
  GstBuffer *buffer = gst_harness_pull (self->src);

  fail_unless (buffer != NULL, "nothing arrived");
  return buffer;
}

void
check_same_bytes (GstBuffer *a, GstBuffer *b)
{
  GstMapInfo map;

  fail_unless_equals_uint64 (gst_buffer_get_size (a), gst_buffer_get_size (b));
  if (gst_buffer_get_size (a) == 0)
    return;
  fail_unless (gst_buffer_map (a, &map, GST_MAP_READ));
  fail_unless_equals_int (gst_buffer_memcmp (b, 0, map.data, map.size), 0);
  gst_buffer_unmap (a, &map);
}

GstEvent *
check_pull_event (GstHarness *h, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_pull_event (h)) != NULL &&
      GST_EVENT_TYPE (event) != type)
    gst_event_unref (event);
  fail_unless (event != NULL, "no %s event", gst_event_type_get_name (type));
  return event;
}

char *
check_dead_relay (GSocket **ret_socket)
{
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (ip, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  *ret_socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
      G_SOCKET_PROTOCOL_UDP, NULL);
  fail_unless (g_socket_bind (*ret_socket, any, FALSE, NULL));
  bound = g_socket_get_local_address (*ret_socket, NULL);
  return g_strdup_printf ("127.0.0.1:%u",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}
