/* CallOffer and CallAnswer, made and checked. */
#include "wzp-error.h"
#include "wzp-media-offer.h"
#include "wzp-stream-frame.h"
#include "wzp-test.h"

#include <string.h>

typedef struct {
  WzpIdentity *identity;
  WzpEphemeral *ephemeral;
} Who;

static Who
new_who (void)
{
  return (Who){ .identity = wzp_identity_new_ephemeral (),
    .ephemeral = wzp_ephemeral_new () };
}

static void
free_who (Who *who)
{
  wzp_identity_unref (who->identity);
  wzp_ephemeral_free (who->ephemeral);
}

static void
test_both_types (void)
{
  static const WzpMessageType types[] = { WZP_MESSAGE_CALL_OFFER,
    WZP_MESSAGE_CALL_ANSWER };
  Who who = new_who ();

  g_test_summary ("What is written is read and found good");
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (GBytes) bytes =
        wzp_media_offer_new_bytes (types[i], who.identity, who.ephemeral);
    g_autoptr (WzpMessage) message = NULL;
    g_autoptr (GError) error = NULL;
    gsize len;
    const char *data = g_bytes_get_data (bytes, &len);

    message = wzp_message_parse (data + 4, len - 4, &error);
    g_assert_no_error (error);
    g_assert_true (wzp_media_offer_check (
        message, types[i], wzp_identity_get_public_key (who.identity), &error));
    g_assert_no_error (error);
    /* One is not the other. */
    g_assert_false (wzp_media_offer_check (message, types[1 - i],
        wzp_identity_get_public_key (who.identity), &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  }
  free_who (&who);
}

static void
test_wrong (void)
{
  Who who = new_who (), other = new_who ();
  const guint8 *key = wzp_identity_get_public_key (who.identity);
  g_autoptr (WzpMessage) message =
      wzp_media_offer_new (WZP_MESSAGE_CALL_OFFER, who.identity, who.ephemeral);
  g_autoptr (WzpMessage) stolen = wzp_message_copy (message);
  g_autoptr (WzpMessage) answer = wzp_media_offer_new (
      WZP_MESSAGE_CALL_ANSWER, who.identity, who.ephemeral);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Another key, another ephemeral, another label, no keys");
  g_assert_false (wzp_media_offer_check (message, WZP_MESSAGE_CALL_OFFER,
      wzp_identity_get_public_key (other.identity), &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_clear_error (&error);

  memcpy (stolen->ephemeral_pub, wzp_ephemeral_get_public_key (other.ephemeral),
      WZP_PUBLIC_KEY_LEN);
  g_assert_false (
      wzp_media_offer_check (stolen, WZP_MESSAGE_CALL_OFFER, key, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_clear_error (&error);

  answer->type = WZP_MESSAGE_CALL_OFFER;
  g_assert_false (
      wzp_media_offer_check (answer, WZP_MESSAGE_CALL_OFFER, key, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_clear_error (&error);

  message->has_signature = FALSE;
  g_assert_false (
      wzp_media_offer_check (message, WZP_MESSAGE_CALL_OFFER, key, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  free_who (&who);
  free_who (&other);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/media-offer/both-types", test_both_types);
  g_test_add_func ("/media-offer/wrong", test_wrong);
  return wzp_test_run ();
}
