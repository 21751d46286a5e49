/* wzp-registry-private: what the two halves of the registry share: presence
 * (wzp-registry) and calls (wzp-registry-calls). */
#pragma once

#include "wzp-registry.h"

G_BEGIN_DECLS

/* An identity that is registered or that still has calls. */
typedef struct {
  WzpFingerprint fingerprint; /* key of `parties` */
  guint8 key[WZP_PUBLIC_KEY_LEN];
  WzpRegistryClient *client; /* not owned; NULL: only in a call's room */
  char *alias;               /* owned, nullable; key of `aliases` */
  GPtrArray *calls;          /* of WzpCallRecord, not owned; or NULL */
} WzpRegistryParty;

struct _WzpRegistryClient {
  gpointer owner;
  WzpRegistryParty *party; /* not owned; NULL until it is registered */
  WzpAddr local;           /* the relay's address as this client sees it */
  gboolean has_tls_key;
  guint8 tls_key[WZP_PUBLIC_KEY_LEN];
};

struct _WzpRegistry {
  WzpRegistryLimits limits;
  GHashTable *clients; /* set, owns them */
  GHashTable *parties; /* fingerprint to WzpRegistryParty, owns them */
  GHashTable *aliases; /* alias to WzpRegistryParty */
  GHashTable *calls;   /* id to WzpCallRecord, owns them */
  GQueue unanswered;   /* links of WzpCallRecord, the oldest first: all have
                        * the same time, so that is by deadline */
  GQueue outputs;      /* of what wzp_registry_pop() gives */
  guint n_registered;
  guint n_active;
  guint64 n_messages, n_refused, n_placed;
};

/* wzp-registry */
/* Take @message; the second drops it when @party has no client. */
void wzp_registry_push (
    WzpRegistry *self, WzpRegistryClient *client, WzpMessage *message);
void wzp_registry_push_to_party (
    WzpRegistry *self, const WzpRegistryParty *party, WzpMessage *message);
/* Counts. */
void wzp_registry_refuse (
    WzpRegistry *self, const WzpMessage *message, const char *why);
void wzp_registry_free_party_if_gone (
    WzpRegistry *self, WzpRegistryParty *party);

/* wzp-registry-calls */
/* Offer, ringing, answer, update, report, hang-up. */
void wzp_registry_take_call_message (WzpRegistry *self,
    WzpRegistryClient *client, const WzpMessage *message, gint64 now_us);
/* @party loses its client, which it still has. Calls end, but those that go on
 * in their room. */
void wzp_registry_end_calls_without_client (
    WzpRegistry *self, WzpRegistryParty *party);

G_END_DECLS
