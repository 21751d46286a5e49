#include "wzp-datagram-log.h"

#define MIN_SLOTS 64u

typedef struct {
  gint64 sent_us; /* 0: settled */
  guint32 packet;
} Entry;

struct _WzpDatagramLog {
  Entry *entries; /* owned ring, or NULL */
  guint slots;    /* 0 or a power of two */
  guint64 head;   /* the oldest unsettled id, or @next */
  guint64 next;
  guint32 last_lost_packet;
  gboolean any_lost;
};

WzpDatagramLog *
wzp_datagram_log_new (void)
{
  return g_new0 (WzpDatagramLog, 1);
}

void
wzp_datagram_log_free (WzpDatagramLog *self)
{
  if (self == NULL)
    return;

  g_free (self->entries);
  g_free (self);
}

static Entry *
get_entry (const WzpDatagramLog *self, guint64 id)
{
  return &self->entries[id & (self->slots - 1)];
}

/* Moves the head to the oldest unsettled one. */
static void
advance (WzpDatagramLog *self)
{
  while (self->head < self->next && get_entry (self, self->head)->sent_us == 0)
    self->head++;
}

static void
make_room (WzpDatagramLog *self)
{
  guint slots = MAX (self->slots * 2, MIN_SLOTS);
  Entry *entries;

  if (self->next - self->head < self->slots)
    return;

  if (self->slots >= WZP_DATAGRAM_LOG_MAX) {
    get_entry (self, self->head)->sent_us = 0;
    advance (self);
    return;
  }

  entries = g_new0 (Entry, slots);
  for (guint64 id = self->head; id < self->next; id++)
    entries[id & (slots - 1)] = *get_entry (self, id);
  g_free (self->entries);
  self->entries = entries;
  self->slots = slots;
}

guint64
wzp_datagram_log_next_id (const WzpDatagramLog *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->next;
}

void
wzp_datagram_log_sent (WzpDatagramLog *self, gint64 now_us, guint32 packet)
{
  g_return_if_fail (self != NULL);

  make_room (self);
  *get_entry (self, self->next) =
      (Entry){ .sent_us = MAX (now_us, 1), .packet = packet };
  self->next++;
}

/* NULL: unknown or settled. */
static Entry *
find_unsettled (const WzpDatagramLog *self, guint64 id)
{
  Entry *entry;

  if (id < self->head || id >= self->next)
    return NULL;
  entry = get_entry (self, id);
  return entry->sent_us != 0 ? entry : NULL;
}

void
wzp_datagram_log_acked (WzpDatagramLog *self, guint64 id)
{
  Entry *entry;
  gint64 sent_us;

  g_return_if_fail (self != NULL);

  entry = find_unsettled (self, id);
  if (entry == NULL)
    return;

  sent_us = entry->sent_us;
  entry->sent_us = 0;
  advance (self);
  while (self->head < id &&
      get_entry (self, self->head)->sent_us <
          sent_us - WZP_DATAGRAM_LOG_STALE_US) {
    get_entry (self, self->head)->sent_us = 0;
    advance (self);
  }
}

gboolean
wzp_datagram_log_lost (WzpDatagramLog *self, guint64 id)
{
  Entry *entry;
  gboolean is_first;

  g_return_val_if_fail (self != NULL, FALSE);

  entry = find_unsettled (self, id);
  if (entry == NULL)
    return FALSE;

  is_first = !self->any_lost || entry->packet != self->last_lost_packet;
  self->any_lost = TRUE;
  self->last_lost_packet = entry->packet;
  entry->sent_us = 0;
  advance (self);
  return is_first;
}

gint64
wzp_datagram_log_oldest_us (const WzpDatagramLog *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->head < self->next ? get_entry (self, self->head)->sent_us : 0;
}

void
wzp_datagram_log_settle (WzpDatagramLog *self)
{
  g_return_if_fail (self != NULL);
  self->head = self->next;
}

void
wzp_datagram_log_trim (WzpDatagramLog *self)
{
  g_return_if_fail (self != NULL);

  if (self->head < self->next)
    return;
  g_clear_pointer (&self->entries, g_free);
  self->slots = 0;
}
