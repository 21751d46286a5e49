#include "wzp-punch.h"

#include <string.h>

#define KIND_AT   2u
#define ROLE_AT   3u
#define TAG_AT    4u
#define NUMBER_AT 12u
#define ECHO_AT   16u
#define MAC_AT    20u

G_STATIC_ASSERT (MAC_AT + WZP_PUNCH_MAC_LEN == WZP_PUNCH_LEN);

static void
put_u32 (guint8 *to, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (to, &value, sizeof value);
}

static guint32
get_u32 (const guint8 *from)
{
  guint32 value;

  memcpy (&value, from, sizeof value);
  return GUINT32_FROM_BE (value);
}

/* The first @ret_len bytes of the HMAC. */
static void
compute_mac (const guint8 *secret, const guint8 *data, gsize len, guint8 *ret,
    gsize ret_len)
{
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, secret, WZP_PUNCH_SECRET_LEN);
  guint8 digest[32];
  gsize digest_len = sizeof digest;

  g_hmac_update (hmac, data, (gssize) len);
  g_hmac_get_digest (hmac, digest, &digest_len);
  g_hmac_unref (hmac);
  memcpy (ret, digest, ret_len);
}

/* In a time that does not depend on where they differ. */
static gboolean
macs_are_equal (const guint8 *a, const guint8 *b)
{
  volatile guint8 difference = 0;

  for (guint i = 0; i < WZP_PUNCH_MAC_LEN; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

void
wzp_punch_key_init (WzpPunchKey *key, const guint8 secret[WZP_PUNCH_SECRET_LEN])
{
  memcpy (key->secret, secret, sizeof key->secret);
  compute_mac (
      key->secret, (const guint8 *) "tag", 3, key->tag, sizeof key->tag);
}

void
wzp_punch_key_wipe (WzpPunchKey *key)
{
  volatile guint8 *bytes = key->secret;

  for (guint i = 0; i < sizeof key->secret; i++)
    bytes[i] = 0;
}

void
wzp_punch_write (const WzpPunchKey *key, const WzpPunch *punch,
    guint8 ret_bytes[WZP_PUNCH_LEN])
{
  ret_bytes[0] = WZP_PUNCH_FIRST_BYTE;
  ret_bytes[1] = WZP_PUNCH_VERSION;
  ret_bytes[KIND_AT] = (guint8) punch->kind;
  ret_bytes[ROLE_AT] = punch->role == WZP_ROLE_DIALER ? 1 : 0;
  memcpy (ret_bytes + TAG_AT, key->tag, sizeof key->tag);
  put_u32 (ret_bytes + NUMBER_AT, punch->number);
  put_u32 (ret_bytes + ECHO_AT, punch->echo);
  compute_mac (
      key->secret, ret_bytes, MAC_AT, ret_bytes + MAC_AT, WZP_PUNCH_MAC_LEN);
}

gboolean
wzp_punch_is_of (const WzpPunchKey *key, const guint8 *data, gsize len)
{
  return len == WZP_PUNCH_LEN && data[0] == WZP_PUNCH_FIRST_BYTE &&
      data[1] == WZP_PUNCH_VERSION &&
      memcmp (data + TAG_AT, key->tag, sizeof key->tag) == 0;
}

gboolean
wzp_punch_parse (
    const WzpPunchKey *key, const guint8 *data, gsize len, WzpPunch *ret_punch)
{
  guint8 mac[WZP_PUNCH_MAC_LEN];
  WzpPunch punch;

  if (!wzp_punch_is_of (key, data, len))
    return FALSE;
  compute_mac (key->secret, data, MAC_AT, mac, sizeof mac);
  if (!macs_are_equal (mac, data + MAC_AT))
    return FALSE;
  punch.kind = (WzpPunchKind) data[KIND_AT];
  punch.role = data[ROLE_AT] == 1 ? WZP_ROLE_DIALER : WZP_ROLE_ACCEPTOR;
  punch.number = get_u32 (data + NUMBER_AT);
  punch.echo = get_u32 (data + ECHO_AT);
  if ((punch.kind != WZP_PUNCH_KIND_PUNCH &&
          punch.kind != WZP_PUNCH_KIND_ANSWER) ||
      data[ROLE_AT] > 1 || punch.number == 0)
    return FALSE;

  *ret_punch = punch;
  return TRUE;
}

gboolean
wzp_punch_window_take (WzpPunchWindow *window, guint32 number)
{
  if (number > window->highest) {
    const guint32 step = number - window->highest;

    window->seen = step < WZP_PUNCH_WINDOW ? window->seen << step : 0;
    window->seen |= 1;
    window->highest = number;
    return TRUE;
  }
  if (number == 0 || window->highest - number >= WZP_PUNCH_WINDOW ||
      (window->seen >> (window->highest - number) & 1) != 0)
    return FALSE;
  window->seen |= G_GUINT64_CONSTANT (1) << (window->highest - number);
  return TRUE;
}
