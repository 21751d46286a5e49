#include "wzp-description.h"
#include "wzp-identity.h"
#include "wzp-message.h"
#include "wzp-test.h"

#include <string.h>

#define NONCE "0123456789abcdef0123456789abcdef"

static void
sign (WzpDescription *self, const WzpIdentity *identity)
{
  g_autoptr (GBytes) data = wzp_description_signed (self);

  wzp_identity_sign (identity, data, self->signature);
}

static WzpDescription *
new_signed (const WzpIdentity *identity)
{
  WzpDescription *self = wzp_description_new ();

  memcpy (self->identity, wzp_identity_get_public_key (identity),
      WZP_PUBLIC_KEY_LEN);
  memset (self->ephemeral, 0x5a, WZP_PUBLIC_KEY_LEN);
  self->nonce = g_strdup (NONCE);
  sign (self, identity);
  return self;
}

static void
test_check (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpDescription) self = new_signed (identity);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A description with and without addresses is right");
  g_assert_true (wzp_description_check (self, &error));
  g_assert_no_error (error);
  self->reflexive = g_strdup ("192.0.2.1:4433");
  self->local = g_new0 (char *, WZP_MESSAGE_MAX_ADDRS + 1);
  for (guint i = 0; i < WZP_MESSAGE_MAX_ADDRS; i++)
    self->local[i] = g_strdup_printf ("192.0.2.%u:1", i);
  self->relay = g_strdup ("relay.example:4433");
  g_assert_true (wzp_description_check (self, &error));
  g_assert_no_error (error);
}

static void
test_nonce (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "", "0", NONCE "0",
    "0123456789abcdef0123456789abcde", "0123456789ABCDEF0123456789abcdef",
    "0123456789abcdef0123456789abcdeg", " 123456789abcdef0123456789abcdef" };
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpDescription) self = new_signed (identity);

  g_test_summary ("A nonce is 32 lower-case hex digits, however it is signed");
  for (guint i = 0; i <= G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&self->nonce, g_free);
    if (i < G_N_ELEMENTS (bad)) {
      self->nonce = g_strdup (bad[i]);
      sign (self, identity);
    }
    g_assert_false (wzp_description_check (self, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
}

static void
test_bounds (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpDescription) self = new_signed (identity);
  g_autoptr (GError) error = NULL;

  g_test_summary ("One candidate too many");
  self->local = g_new0 (char *, WZP_MESSAGE_MAX_ADDRS + 2);
  for (guint i = 0; i < WZP_MESSAGE_MAX_ADDRS + 1; i++)
    self->local[i] = g_strdup ("192.0.2.1:1");
  g_assert_false (wzp_description_check (self, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
test_signature (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpIdentity) other = wzp_identity_new_ephemeral ();
  g_autoptr (WzpDescription) self = new_signed (identity);
  guint8 *parts[] = { self->identity, self->ephemeral, self->signature,
    (guint8 *) self->nonce };
  const gsize sizes[] = { WZP_PUBLIC_KEY_LEN, WZP_PUBLIC_KEY_LEN,
    WZP_SIGNATURE_LEN, WZP_DESCRIPTION_NONCE_LEN };
  g_autoptr (GError) error = NULL;

  g_test_summary ("Each byte of keys, nonce and signature counts");
  for (guint p = 0; p < G_N_ELEMENTS (parts); p++) {
    for (gsize i = 0; i < sizes[p]; i++) {
      guint8 old = parts[p][i];

      /* A nonce stays one of hex digits. */
      parts[p][i] = p < 3 ? old ^ 1 : old == '0' ? '1' : '0';
      g_assert_false (wzp_description_check (self, &error));
      g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
      g_clear_error (&error);
      parts[p][i] = old;
    }
  }
  g_assert_true (wzp_description_check (self, &error));
  sign (self, other);
  g_assert_false (wzp_description_check (self, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
}

static void
test_copy (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  WzpDescription *self = new_signed (identity);
  const char *const local[] = { "192.0.2.1:1", "[2001:db8::1]:2", NULL };
  g_autoptr (WzpDescription) bare = wzp_description_copy (self);
  g_autoptr (WzpDescription) copy = NULL;

  g_test_summary ("A copy has everything, and nothing in common");
  g_assert_null (bare->local);
  g_assert_null (bare->relay);
  self->local = g_strdupv ((char **) local);
  self->reflexive = g_strdup ("192.0.2.9:9");
  self->relay = g_strdup ("relay:1");
  copy = wzp_description_copy (self);
  wzp_description_free (self);
  g_assert_true (wzp_description_check (copy, NULL));
  g_assert_cmpstrv (copy->local, local);
  g_assert_cmpstr (copy->reflexive, ==, "192.0.2.9:9");
  g_assert_cmpstr (copy->relay, ==, "relay:1");
  g_assert_cmpstr (copy->nonce, ==, NONCE);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/description/check", NULL, test_check);
  wzp_test_add ("/description/nonce", NULL, test_nonce);
  wzp_test_add ("/description/bounds", NULL, test_bounds);
  wzp_test_add ("/description/signature", NULL, test_signature);
  wzp_test_add ("/description/copy", NULL, test_copy);
  return wzp_test_run ();
}
