#include "wzp-timeline.h"

#include "wzp-sni.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_FILE_ID WZP_CALL_ID_MAX_LEN
#define MAX_HEADS   8u

typedef struct {
  WzpTimelineKind kind;
  gint64 at_us, until_us; /* until: of the last one put together */
  WzpPath path, old_path;
  gboolean has_addr;
  WzpAddr addr;
  char *type, *text; /* owned, nullable */
  gint64 took_us;
  guint64 n;
  guint count; /* put together in this one */
} Event;

typedef struct {
  const char *name; /* static */
  char *value;      /* owned */
} Head;

struct _WzpTimeline {
  gint64 began_us, wall_us;
  Head heads[MAX_HEADS];
  guint n_heads;
  GPtrArray *events; /* of Event, owned; by time */
  guint n_of_kind[WZP_TIMELINE_N_KINDS];
  guint64 left_out[WZP_TIMELINE_N_KINDS];
};

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->type);
  g_free (event->text);
  g_free (event);
}

/* It may be the peer's own words, or a file's name. */
static char *
clean (const char *text)
{
  g_autofree char *cut = NULL;

  if (text == NULL)
    return NULL;
  cut = g_strndup (text, WZP_TIMELINE_MAX_TEXT);
  return g_utf8_make_valid (cut, -1);
}

static Event *
event_new (const WzpTimelineEvent *from)
{
  Event *event = g_new0 (Event, 1);

  event->kind = from->kind;
  event->at_us = event->until_us = from->at_us;
  event->path = from->path;
  event->old_path = from->old_path;
  event->has_addr = from->addr != NULL;
  if (from->addr != NULL)
    event->addr = *from->addr;
  event->type = clean (from->type);
  event->text = clean (from->text);
  event->took_us = from->took_us;
  event->n = from->n;
  event->count = 1;
  return event;
}

static gboolean
is_of (const Event *event, WzpTimelineKind kind, const WzpAddr *addr)
{
  return event->kind == kind && event->has_addr == (addr != NULL) &&
      (addr == NULL || wzp_addr_equal (&event->addr, addr));
}

/* Into the last of its like, where there were many. */
static gboolean
join_group (WzpTimeline *self, const WzpTimelineEvent *from)
{
  Event *last = NULL;
  guint n = 0;

  if (from->kind != WZP_TIMELINE_PUNCH_SENT &&
      from->kind != WZP_TIMELINE_PUNCH_HEARD)
    return FALSE;
  for (guint i = 0; i < self->events->len; i++) {
    Event *event = self->events->pdata[i];

    if (!is_of (event, from->kind, from->addr) ||
        g_strcmp0 (event->type, from->type) != 0)
      continue;
    last = event;
    n++;
  }
  if (n <= WZP_TIMELINE_SINGLE || from->at_us < last->at_us ||
      from->at_us - last->at_us >= WZP_TIMELINE_GROUP_US)
    return FALSE;
  last->until_us = MAX (last->until_us, from->at_us);
  last->count++;
  return TRUE;
}

static void
make_place (WzpTimeline *self)
{
  WzpTimelineKind most = 0;

  if (self->events->len < WZP_TIMELINE_MAX_EVENTS)
    return;
  for (guint kind = 1; kind < WZP_TIMELINE_N_KINDS; kind++)
    if (self->n_of_kind[kind] > self->n_of_kind[most])
      most = kind;
  for (guint i = 0; i < self->events->len; i++) {
    const Event *event = self->events->pdata[i];

    if (event->kind != most)
      continue;
    self->n_of_kind[most]--;
    self->left_out[most] += event->count;
    g_ptr_array_remove_index (self->events, i);
    return;
  }
}

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  if (text == NULL)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
add_number (JsonBuilder *builder, const char *name, gint64 number)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, number);
}

static void
add_event (const WzpTimeline *self, JsonBuilder *builder, const Event *event)
{
  char addr[WZP_ADDR_MAX_STRLEN];

  json_builder_begin_object (builder);
  add_number (builder, "t", event->at_us - self->began_us);
  add_text (builder, "e", wzp_timeline_kind_to_string (event->kind));
  if (event->path != WZP_PATH_NONE || event->kind == WZP_TIMELINE_PATH)
    add_text (builder, "path", wzp_path_to_string (event->path));
  if (event->kind == WZP_TIMELINE_PATH)
    add_text (builder, "old", wzp_path_to_string (event->old_path));
  if (event->has_addr)
    add_text (builder, "addr", wzp_addr_to_string (&event->addr, addr));
  add_text (builder, "type", event->type);
  add_text (builder, "text", event->text);
  if (event->took_us > 0)
    add_number (builder, "took", event->took_us);
  if (event->n > 0)
    add_number (builder, "n", (gint64) MIN (event->n, G_MAXINT64));
  if (event->count > 1) {
    add_number (builder, "count", event->count);
    add_number (builder, "until", event->until_us - self->began_us);
  }
  json_builder_end_object (builder);
}

static void
add_events (const WzpTimeline *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "events");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->events->len; i++)
    add_event (self, builder, self->events->pdata[i]);
  json_builder_end_array (builder);
}

static void
add_left_out (const WzpTimeline *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "left_out");
  json_builder_begin_object (builder);
  for (guint kind = 0; kind < WZP_TIMELINE_N_KINDS; kind++)
    if (self->left_out[kind] > 0)
      add_number (builder, wzp_timeline_kind_to_string (kind),
          (gint64) self->left_out[kind]);
  json_builder_end_object (builder);
}

const char *
wzp_timeline_kind_to_string (WzpTimelineKind kind)
{
  static const char *const names[] = {
    [WZP_TIMELINE_LOCAL_CANDIDATE] = "local-candidate",
    [WZP_TIMELINE_REMOTE_CANDIDATE] = "remote-candidate",
    [WZP_TIMELINE_RACE] = "race",
    [WZP_TIMELINE_PUNCH_SENT] = "punch-sent",
    [WZP_TIMELINE_PUNCH_HEARD] = "punch-heard",
    [WZP_TIMELINE_GO_SENT] = "go-sent",
    [WZP_TIMELINE_GO_HEARD] = "go-heard",
    [WZP_TIMELINE_DIAL] = "dial",
    [WZP_TIMELINE_DIALLED] = "dialled",
    [WZP_TIMELINE_UP] = "up",
    [WZP_TIMELINE_DOWN] = "down",
    [WZP_TIMELINE_PROVED] = "proved",
    [WZP_TIMELINE_NOMINATE_SENT] = "nominate-sent",
    [WZP_TIMELINE_NOMINATE_HEARD] = "nominate-heard",
    [WZP_TIMELINE_ACK_SENT] = "ack-sent",
    [WZP_TIMELINE_ACK_HEARD] = "ack-heard",
    [WZP_TIMELINE_PATH] = "path",
    [WZP_TIMELINE_SUSPECT] = "suspect",
    [WZP_TIMELINE_TRUSTED] = "trusted",
    [WZP_TIMELINE_DEAD] = "dead",
    [WZP_TIMELINE_SUSPECT_SENT] = "suspect-sent",
    [WZP_TIMELINE_SUSPECT_HEARD] = "suspect-heard",
    [WZP_TIMELINE_MEDIA] = "media",
    [WZP_TIMELINE_RTT] = "rtt",
    [WZP_TIMELINE_GAP] = "gap",
    [WZP_TIMELINE_NETWORK] = "network",
    [WZP_TIMELINE_END] = "end",
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (names) == WZP_TIMELINE_N_KINDS);
  g_return_val_if_fail (kind < WZP_TIMELINE_N_KINDS, "unknown");

  return names[kind];
}

WzpTimeline *
wzp_timeline_new (gint64 now_us, gint64 wall_us)
{
  WzpTimeline *self = g_new0 (WzpTimeline, 1);

  self->began_us = now_us;
  self->wall_us = wall_us;
  self->events = g_ptr_array_new_with_free_func (event_free);
  return self;
}

void
wzp_timeline_free (WzpTimeline *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_heads; i++)
    g_free (self->heads[i].value);
  g_ptr_array_unref (self->events);
  g_free (self);
}

void
wzp_timeline_set (WzpTimeline *self, const char *name, const char *value)
{
  Head *head = NULL;

  g_return_if_fail (name != NULL);

  if (self == NULL || value == NULL)
    return;
  for (guint i = 0; i < self->n_heads; i++)
    if (g_str_equal (self->heads[i].name, name))
      head = &self->heads[i];
  if (head == NULL) {
    g_return_if_fail (self->n_heads < MAX_HEADS);
    head = &self->heads[self->n_heads++];
    head->name = name;
  }
  g_free (head->value);
  head->value = clean (value);
}

void
wzp_timeline_add (WzpTimeline *self, const WzpTimelineEvent *event)
{
  guint i;

  if (self == NULL)
    return;
  g_return_if_fail (event != NULL && event->kind < WZP_TIMELINE_N_KINDS);

  if (join_group (self, event))
    return;
  make_place (self);
  i = self->events->len;
  while (i > 0 &&
      ((const Event *) self->events->pdata[i - 1])->at_us > event->at_us)
    i--;
  g_ptr_array_insert (self->events, (int) i, event_new (event));
  self->n_of_kind[event->kind]++;
}

gboolean
wzp_timeline_has (
    const WzpTimeline *self, WzpTimelineKind kind, const WzpAddr *addr)
{
  for (guint i = 0; self != NULL && i < self->events->len; i++)
    if (is_of (self->events->pdata[i], kind, addr))
      return TRUE;
  return FALSE;
}

guint
wzp_timeline_get_n_events (const WzpTimeline *self)
{
  return self != NULL ? self->events->len : 0;
}

char *
wzp_timeline_to_json (const WzpTimeline *self)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (JsonNode) root = NULL;

  if (self == NULL)
    return NULL;
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_number (builder, "version", WZP_TIMELINE_VERSION);
  for (guint i = 0; i < self->n_heads; i++)
    add_text (builder, self->heads[i].name, self->heads[i].value);
  add_number (builder, "began", self->wall_us);
  add_number (builder, "monotonic", self->began_us);
  add_events (self, builder);
  add_left_out (self, builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

char *
wzp_timeline_file_name (const char *call_id, const char *role)
{
  g_autofree char *id = g_strndup (call_id, MAX_FILE_ID);

  for (char *c = id; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '_')
      *c = '_';
  return g_strdup_printf ("%s-%s.json", id, role);
}
