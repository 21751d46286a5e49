/* A relay that takes out of offer or answer what seals the media, so that it
 * could read it: both sides refuse. */
#include "wzp-call-record.h"
#include "wzp-party.h"

typedef enum {
  STRIP_NOTHING,
  STRIP_OFFER,
  STRIP_ANSWER,
  STRIP_SEALED, /* of the answer, this feature only */
} Strip;

static Strip strip;

/* The linker puts these between the registry and its messages. */
WzpMessage *__real_wzp_call_record_make_offer (
    const WzpMessage *offer, const char *caller_alias);
WzpMessage *__wrap_wzp_call_record_make_offer (
    const WzpMessage *offer, const char *caller_alias);
WzpMessage *__real_wzp_call_record_make_answer (const WzpMessage *answer);
WzpMessage *__wrap_wzp_call_record_make_answer (const WzpMessage *answer);

static void
take_out (WzpMessage *message, Strip what)
{
  static const char *const control_only[] = { "control", "flows", NULL };

  g_clear_pointer (&message->features, g_strfreev);
  message->has_wzp = what == STRIP_SEALED;
  if (what == STRIP_SEALED)
    message->features = g_strdupv ((char **) control_only);
}

WzpMessage *
__wrap_wzp_call_record_make_offer (
    const WzpMessage *offer, const char *caller_alias)
{
  WzpMessage *message = __real_wzp_call_record_make_offer (offer, caller_alias);

  if (strip == STRIP_OFFER)
    take_out (message, strip);
  return message;
}

WzpMessage *
__wrap_wzp_call_record_make_answer (const WzpMessage *answer)
{
  WzpMessage *message = __real_wzp_call_record_make_answer (answer);

  if (strip == STRIP_ANSWER || strip == STRIP_SEALED)
    take_out (message, strip);
  return message;
}

static WzpParty *
new_party (WzpTestRelay *relay, WzpMode mode)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = mode;
  config.policy = WZP_POLICY_RELAY;
  config.no_reconnect = mode == WZP_MODE_CALLER;
  if (mode == WZP_MODE_LISTENER)
    config.alias = "cam1";
  else
    config.peer = "cam1";
  return wzp_party_new (&config);
}

static void
test_strip (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER);
  WzpParty *caller = new_party (relay, WZP_MODE_CALLER);

  strip = GPOINTER_TO_INT (data);
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_party_start (caller);
  wzp_test_assert_until (test,
      wzp_party_state (caller) ==
          (strip == STRIP_NOTHING ? WZP_STATE_CONNECTED : WZP_STATE_FAILED),
      10000);
  if (strip == STRIP_OFFER) {
    g_assert_true (
        wzp_party_log_has (listener, "The offer was changed on its way"));
    g_assert_cmpint (wzp_party_error (caller), ==, WZP_ERROR_REJECTED);
  } else if (strip != STRIP_NOTHING) {
    g_assert_cmpint (wzp_party_error (caller), ==, WZP_ERROR_IDENTITY);
  }
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add (
      "/stripped/nothing", GINT_TO_POINTER (STRIP_NOTHING), test_strip);
  wzp_test_add ("/stripped/offer", GINT_TO_POINTER (STRIP_OFFER), test_strip);
  wzp_test_add ("/stripped/answer", GINT_TO_POINTER (STRIP_ANSWER), test_strip);
  wzp_test_add ("/stripped/sealed", GINT_TO_POINTER (STRIP_SEALED), test_strip);
  return wzp_test_run ();
}
