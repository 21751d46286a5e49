#include "wzp-cid-table.h"

#include <string.h>

/* Open addressing with linear probing: a lookup per packet, so no allocation
 * and one cache line mostly. */
#define MIN_SLOTS 64u

typedef struct {
  gpointer value; /* NULL: free */
  guint32 hash;
  guint8 len;
  guint8 cid[WZP_CID_MAX_LEN];
} Slot;

struct _WzpCidTable {
  guint64 seed;
  Slot *slots;   /* owned */
  guint n_slots; /* a power of two, at least twice @size */
  guint size;
};

WzpCidTable *
wzp_cid_table_new (guint64 seed)
{
  WzpCidTable *self = g_new0 (WzpCidTable, 1);

  self->seed = seed | 1;
  self->n_slots = MIN_SLOTS;
  self->slots = g_new0 (Slot, self->n_slots);
  return self;
}

void
wzp_cid_table_free (WzpCidTable *self)
{
  if (self == NULL)
    return;

  g_free (self->slots);
  g_free (self);
}

/* Two rounds of multiply and fold per eight bytes, keyed by the seed. */
static guint32
hash_cid (const WzpCidTable *self, const guint8 *cid, gsize len)
{
  guint64 hash = self->seed ^ len;

  while (len > 0) {
    guint64 word = 0;
    gsize n = MIN (len, sizeof word);

    memcpy (&word, cid, n);
    hash = (hash ^ word) * (self->seed | 1);
    hash ^= hash >> 32;
    hash *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    cid += n;
    len -= n;
  }
  return (guint32) (hash ^ hash >> 32);
}

/* The slot of the id, or the free one where it would go. */
static Slot *
find_slot (const WzpCidTable *self, guint32 hash, const guint8 *cid, gsize len)
{
  for (guint i = hash & (self->n_slots - 1);;
       i = (i + 1) & (self->n_slots - 1)) {
    Slot *slot = &self->slots[i];

    if (slot->value == NULL ||
        (slot->hash == hash && slot->len == len &&
            memcmp (slot->cid, cid, len) == 0))
      return slot;
  }
}

static void
grow (WzpCidTable *self)
{
  Slot *old = self->slots;
  guint n_old = self->n_slots;

  self->n_slots *= 2;
  self->slots = g_new0 (Slot, self->n_slots);
  for (guint i = 0; i < n_old; i++)
    if (old[i].value != NULL)
      *find_slot (self, old[i].hash, old[i].cid, old[i].len) = old[i];
  g_free (old);
}

gboolean
wzp_cid_table_add (
    WzpCidTable *self, const guint8 *cid, gsize len, gpointer value)
{
  guint32 hash;
  Slot *slot;

  g_return_val_if_fail (self != NULL && value != NULL, FALSE);

  if (len > WZP_CID_MAX_LEN)
    return FALSE;
  if (self->size >= self->n_slots / 2)
    grow (self);

  hash = hash_cid (self, cid, len);
  slot = find_slot (self, hash, cid, len);
  if (slot->value != NULL)
    return FALSE;

  *slot = (Slot){ .value = value, .hash = hash, .len = len };
  memcpy (slot->cid, cid, len);
  self->size++;
  return TRUE;
}

gpointer
wzp_cid_table_lookup (const WzpCidTable *self, const guint8 *cid, gsize len)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (len > WZP_CID_MAX_LEN)
    return NULL;
  return find_slot (self, hash_cid (self, cid, len), cid, len)->value;
}

/* Closes the hole so that no probe ends early. */
static void
close_hole (WzpCidTable *self, guint hole)
{
  guint mask = self->n_slots - 1;

  for (guint i = (hole + 1) & mask; self->slots[i].value != NULL;
       i = (i + 1) & mask) {
    guint home = self->slots[i].hash & mask;

    if (((i - home) & mask) >= ((i - hole) & mask)) {
      self->slots[hole] = self->slots[i];
      hole = i;
    }
  }
  self->slots[hole].value = NULL;
}

void
wzp_cid_table_remove (
    WzpCidTable *self, const guint8 *cid, gsize len, gconstpointer value)
{
  Slot *slot;

  g_return_if_fail (self != NULL);

  if (len > WZP_CID_MAX_LEN)
    return;
  slot = find_slot (self, hash_cid (self, cid, len), cid, len);
  if (slot->value == NULL || slot->value != value)
    return;

  close_hole (self, slot - self->slots);
  self->size--;
}

guint
wzp_cid_table_get_size (const WzpCidTable *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->size;
}
