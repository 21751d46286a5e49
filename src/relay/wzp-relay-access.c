#include "wzp-relay-access.h"

#include <string.h>

#include "wzp-error.h"
#include "wzp-token.h"

struct _WzpRelayAccess {
  gatomicrefcount ref_count;
  WzpAccessKind kind;
  GHashTable *allowed; /* ALLOW_LIST: set of WzpFingerprint, owned */
  WzpTokenKey *keys[WZP_ACCESS_MAX_TOKEN_KEYS]; /* TOKEN: owned */
  guint n_keys;
};

static WzpRelayAccess *
new_access (WzpAccessKind kind)
{
  WzpRelayAccess *self = g_new0 (WzpRelayAccess, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  return self;
}

static guint
hash_fingerprint (gconstpointer data)
{
  return wzp_fingerprint_hash (data);
}

static gboolean
equal_fingerprints (gconstpointer a, gconstpointer b)
{
  return wzp_fingerprint_equal (a, b);
}

static gboolean
add_allowed (WzpRelayAccess *self, const char *text, GError **error)
{
  WzpFingerprint who;

  if (!wzp_fingerprint_parse (text, &who, error))
    return FALSE;
  g_hash_table_add (self->allowed, g_memdup2 (&who, sizeof who));
  if (g_hash_table_size (self->allowed) > WZP_ACCESS_MAX_ALLOWED) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "More than %u fingerprints on the list", WZP_ACCESS_MAX_ALLOWED);
    return FALSE;
  }
  return TRUE;
}

/* What the claims of a genuine token say of its holder's wish. */
static gboolean
check_claims (const WzpTokenClaims *claims, const WzpFingerprint *who,
    const char *room, gint64 now_unix_s, GError **error)
{
  const char *why = NULL;

  if (now_unix_s >= claims->expires_unix_s)
    why = "The token has expired";
  else if (claims->has_who &&
      (who == NULL || !wzp_fingerprint_equal (who, &claims->who)))
    why = "The token is for another identity";
  else if (claims->room[0] != '\0' && room == NULL)
    why = "The token is for a room only, not for calls";
  else if (claims->room[0] != '\0' && strcmp (room, claims->room) != 0)
    why = "The token is for another room";
  if (why != NULL)
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_REJECTED, why);
  return why == NULL;
}

WzpRelayAccess *
wzp_relay_access_new_open (void)
{
  return new_access (WZP_ACCESS_OPEN);
}

WzpRelayAccess *
wzp_relay_access_new_allow_list (const char *const *allowed, GError **error)
{
  g_autoptr (WzpRelayAccess) self = new_access (WZP_ACCESS_ALLOW_LIST);

  self->allowed = g_hash_table_new_full (
      hash_fingerprint, equal_fingerprints, g_free, NULL);
  for (gsize i = 0; allowed != NULL && allowed[i] != NULL; i++)
    if (!add_allowed (self, allowed[i], error))
      return NULL;
  return g_steal_pointer (&self);
}

WzpRelayAccess *
wzp_relay_access_new_token (GBytes *const *keys, guint n_keys, GError **error)
{
  g_autoptr (WzpRelayAccess) self = new_access (WZP_ACCESS_TOKEN);

  if (n_keys == 0 || n_keys > WZP_ACCESS_MAX_TOKEN_KEYS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%u token keys, from 1 to %u are allowed", n_keys,
        WZP_ACCESS_MAX_TOKEN_KEYS);
    return NULL;
  }
  for (guint i = 0; i < n_keys; i++) {
    self->keys[i] = wzp_token_key_new (keys[i], error);
    if (self->keys[i] == NULL)
      return NULL;
    self->n_keys++;
  }
  return g_steal_pointer (&self);
}

WzpRelayAccess *
wzp_relay_access_ref (WzpRelayAccess *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
wzp_relay_access_unref (WzpRelayAccess *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->allowed, g_hash_table_unref);
  for (guint i = 0; i < self->n_keys; i++)
    wzp_token_key_free (self->keys[i]);
  g_free (self);
}

WzpAccessKind
wzp_relay_access_get_kind (const WzpRelayAccess *self)
{
  return self->kind;
}

gboolean
wzp_relay_access_admits (const WzpRelayAccess *self, const WzpFingerprint *who)
{
  switch (self->kind) {
    case WZP_ACCESS_OPEN:
      return TRUE;
    case WZP_ACCESS_ALLOW_LIST:
      return who != NULL && g_hash_table_contains (self->allowed, who);
    case WZP_ACCESS_TOKEN:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

gboolean
wzp_relay_access_check_token (const WzpRelayAccess *self, const char *token,
    const WzpFingerprint *who, const char *room, gint64 now_unix_s,
    GError **error)
{
  WzpTokenClaims claims;

  if (self->kind != WZP_ACCESS_TOKEN) {
    if (wzp_relay_access_admits (self, who))
      return TRUE;
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_REJECTED,
        "This identity may not use the relay");
    return FALSE;
  }
  if (!wzp_token_open (self->keys, self->n_keys, token, &claims)) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_REJECTED, "The token is not valid");
    return FALSE;
  }
  return check_claims (&claims, who, room, now_unix_s, error);
}
