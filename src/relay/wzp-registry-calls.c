#include "wzp-identity.h"
#include "wzp-registry-private.h"
#include "wzp-relay-log.h"

#include <string.h>

WzpMessage *
wzp_registry_new_hangup (
    const char *call_id, WzpHangupReason reason, const char *detail)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_HANGUP);

  message->call_id = g_strdup (call_id);
  message->reason = reason;
  message->detail = g_strdup (detail);
  return message;
}

static WzpCallSide
other_side (WzpCallSide side)
{
  return side == WZP_CALL_CALLER ? WZP_CALL_CALLEE : WZP_CALL_CALLER;
}

static WzpCallSide
side_of (const WzpCallRecord *call, const WzpRegistryParty *party)
{
  return call->party[WZP_CALL_CALLER] == party ? WZP_CALL_CALLER
                                               : WZP_CALL_CALLEE;
}

/* Takes @message. A callee that is not found yet is wherever it is sought. */
static void
push_to_side (
    WzpRegistry *self, WzpCallRecord *call, WzpCallSide to, WzpMessage *message)
{
  if (call->party[to] != NULL)
    wzp_registry_push_to_party (self, call->party[to], message);
  else if (call->link[to] != NULL)
    wzp_registry_push_to_link (self, call->link[to], message);
  else
    wzp_registry_push_to_links (self, call->asked, message);
}

static void
add_to_party (WzpCallRecord *call, WzpCallSide side, WzpRegistryParty *party)
{
  if (party == NULL)
    return;
  call->party[side] = party;
  if (party->calls == NULL)
    party->calls = g_ptr_array_new ();
  g_ptr_array_add (party->calls, call);
  if (side == WZP_CALL_CALLEE)
    party->n_ringing++;
}

/* It is answered, or over. */
static void
stop_ringing (WzpRegistry *self, WzpCallRecord *call)
{
  WzpRegistryParty *callee = call->party[WZP_CALL_CALLEE];

  wzp_deadlines_remove (&self->unanswered, &call->timeout);
  if (callee != NULL)
    callee->n_ringing--;
}

/* Takes the call out of every table and frees it. */
static void
remove_call (WzpRegistry *self, WzpCallRecord *call)
{
  WzpRegistryParty *parties[2] = { call->party[0], call->party[1] };

  if (call->state == WZP_CALL_ACTIVE)
    self->n_active--;
  else
    stop_ringing (self, call);
  wzp_registry_unlink_call (call);
  for (guint side = 0; side < 2; side++)
    if (parties[side] != NULL)
      g_ptr_array_remove_fast (parties[side]->calls, call);
  g_hash_table_remove (self->calls, call->id);
  for (guint side = 0; side < 2; side++)
    if (parties[side] != NULL)
      wzp_registry_free_party_if_gone (self, parties[side]);
}

void
wzp_registry_end_call (WzpRegistry *self, WzpCallRecord *call, WzpCallSide to,
    WzpHangupReason reason, const char *detail)
{
  wzp_log_info (WZP_ABOUT (.call_id = call->id), "call %s: ended, %s%s%s",
      call->id, wzp_hangup_reason_to_string (reason),
      detail != NULL ? ", " : "", detail != NULL ? detail : "");
  push_to_side (
      self, call, to, wzp_registry_new_hangup (call->id, reason, detail));
  remove_call (self, call);
}

void
wzp_registry_end_calls_of (
    WzpRegistry *self, WzpRegistryParty *party, gboolean but_in_room)
{
  /* Backwards, since ending one puts the last in its place. */
  for (guint i = party->calls != NULL ? party->calls->len : 0; i > 0; i--) {
    WzpCallRecord *call = party->calls->pdata[i - 1];
    WzpCallSide side = side_of (call, party);

    if (!but_in_room || call->state != WZP_CALL_ACTIVE ||
        !call->is_in_room[side])
      wzp_registry_end_call (self, call, other_side (side), WZP_HANGUP_ERROR,
          WZP_HANGUP_DETAIL_DISCONNECTED);
  }
}

void
wzp_registry_expire_call (WzpRegistry *self, WzpCallRecord *call)
{
  push_to_side (self, call, WZP_CALL_CALLEE,
      wzp_registry_new_hangup (call->id, WZP_HANGUP_TIMEOUT, NULL));
  wzp_registry_end_call (self, call, WZP_CALL_CALLER, WZP_HANGUP_TIMEOUT, NULL);
}

static void
refuse_offer (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *offer, WzpHangupReason reason, const char *detail,
    const char *why)
{
  wzp_registry_refuse (self, offer, why);
  wzp_registry_push (
      self, client, wzp_registry_new_hangup (offer->call_id, reason, detail));
}

const char *
wzp_registry_check_offer (const WzpRegistry *self, const WzpMessage *offer)
{
  WzpFingerprint a, b;

  if (!wzp_call_id_is_valid (offer->call_id))
    return "the call id is not valid";
  if (wzp_fingerprint_equal (&offer->target_fp, &offer->caller_fp))
    return "a call to oneself";
  /* Else it would open, or close, the room of the two that it names. */
  if (wzp_call_id_get_parties (offer->call_id, &a, &b) &&
      !(wzp_fingerprint_equal (&a, &offer->caller_fp) &&
          wzp_fingerprint_equal (&b, &offer->target_fp)) &&
      !(wzp_fingerprint_equal (&b, &offer->caller_fp) &&
          wzp_fingerprint_equal (&a, &offer->target_fp)))
    return "the call id names others";
  if (g_hash_table_contains (self->calls, offer->call_id))
    return "the call id is in use";
  return NULL;
}

static gboolean
verify_call (
    const guint8 *key, const WzpMessage *message, const WzpFingerprint *to)
{
  g_autoptr (GBytes) text = NULL;

  if (!message->has_ephemeral_pub || !message->has_signature)
    return FALSE;
  text = wzp_message_signed_call (message->ephemeral_pub, to, message->call_id);
  return wzp_identity_verify (key, text, message->signature);
}

gboolean
wzp_registry_verify_offer (const WzpMessage *offer)
{
  WzpFingerprint fp;

  wzp_fingerprint_of_key (offer->identity_pub, &fp);
  return wzp_fingerprint_equal (&fp, &offer->caller_fp) &&
      verify_call (offer->identity_pub, offer, &offer->target_fp);
}

static const char *
check_own_offer (const WzpRegistry *self, const WzpRegistryParty *caller,
    const WzpMessage *offer)
{
  if (!wzp_fingerprint_equal (&offer->caller_fp, &caller->fingerprint) ||
      memcmp (offer->identity_pub, caller->key, WZP_PUBLIC_KEY_LEN) != 0)
    return "the caller is not the sender";
  return wzp_registry_check_offer (self, offer);
}

static gboolean
has_free_call (const WzpRegistry *self, const WzpRegistryParty *party)
{
  return party->calls == NULL ||
      party->calls->len < self->limits.max_calls_per_client;
}

gboolean
wzp_registry_has_room_for_call (
    const WzpRegistry *self, const WzpRegistryParty *callee)
{
  return g_hash_table_size (self->calls) < self->limits.max_calls &&
      (callee == NULL ||
          (has_free_call (self, callee) &&
              callee->n_ringing < self->limits.max_ringing));
}

WzpCallRecord *
wzp_registry_add_call (WzpRegistry *self, const WzpMessage *offer,
    WzpRegistryParty *caller, WzpRegistryParty *callee, gint64 now_us)
{
  WzpCallRecord *call = wzp_call_record_new (offer);
  char a[WZP_FINGERPRINT_STRLEN], b[WZP_FINGERPRINT_STRLEN];

  wzp_deadlines_add (
      &self->unanswered, &call->timeout, now_us + self->limits.call_timeout_us);
  g_hash_table_insert (self->calls, call->id, call);
  add_to_party (call, WZP_CALL_CALLER, caller);
  add_to_party (call, WZP_CALL_CALLEE, callee);
  self->n_placed++;
  wzp_log_info (WZP_ABOUT (.call_id = call->id, .who = &offer->caller_fp),
      "call %s: %s%s calls %s%s", call->id,
      wzp_fingerprint_to_string (&offer->caller_fp, a),
      caller == NULL ? " (at another relay)" : "",
      wzp_fingerprint_to_string (&offer->target_fp, b),
      callee == NULL ? " (not here)" : "");
  return call;
}

static void
place_call (WzpRegistry *self, WzpRegistryParty *caller,
    WzpRegistryParty *callee, const WzpMessage *offer, gint64 now_us)
{
  WzpCallRecord *call =
      wzp_registry_add_call (self, offer, caller, callee, now_us);

  if (callee != NULL)
    wzp_registry_push_to_party (
        self, callee, wzp_call_record_make_offer (offer, caller->alias));
  else
    wzp_registry_ask_links (self, call, offer, caller->alias);
}

static void
on_offer (WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *offer,
    gint64 now_us)
{
  WzpRegistryParty *caller = client->party;
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, offer->call_id);
  WzpRegistryParty *callee;
  const char *why;

  /* A Hangup would end the call that it has. */
  if (call != NULL && call->party[WZP_CALL_CALLER] == caller) {
    wzp_registry_refuse (self, offer, "the same call again");
    return;
  }
  why = check_own_offer (self, caller, offer);
  if (why == NULL && !caller->is_proved && !wzp_registry_verify_offer (offer))
    why = "the signature is wrong";
  if (why != NULL) {
    refuse_offer (
        self, client, offer, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED, why);
    return;
  }
  callee = wzp_registry_find_callee (self, &offer->target_fp);
  if (callee == NULL && wzp_registry_get_links_up (self) == 0)
    refuse_offer (self, client, offer, WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_NOT_FOUND, "the target is not registered");
  else if (!has_free_call (self, caller) ||
      !wzp_registry_has_room_for_call (self, callee))
    refuse_offer (self, client, offer, WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT,
        "too many calls");
  else
    place_call (self, caller, callee, offer, now_us);
}

/* The sender's call that @message is about; NULL: there is none (counted). */
static WzpCallRecord *
find_call (WzpRegistry *self, const WzpRegistryClient *client,
    const WzpMessage *message, WzpCallSide *ret_side)
{
  WzpCallRecord *call = message->call_id != NULL
      ? g_hash_table_lookup (self->calls, message->call_id)
      : NULL;

  if (call == NULL ||
      (call->party[WZP_CALL_CALLER] != client->party &&
          call->party[WZP_CALL_CALLEE] != client->party)) {
    wzp_registry_refuse (self, message, "not a call of the sender");
    return NULL;
  }
  *ret_side = side_of (call, client->party);
  return call;
}

static void
on_ringing (WzpRegistry *self, const WzpMessage *message, WzpCallRecord *call,
    WzpCallSide from)
{
  if (from != WZP_CALL_CALLEE || call->state != WZP_CALL_PENDING) {
    wzp_registry_refuse (self, message, "out of order");
    return;
  }
  call->state = WZP_CALL_RINGING;
  push_to_side (self, call, WZP_CALL_CALLER, wzp_message_copy (message));
}

/* Of a party that is here: another relay makes its own. */
static void
push_setup (WzpRegistry *self, const WzpCallRecord *call, WzpCallSide to)
{
  WzpRegistryParty *party = call->party[to];
  char text[WZP_ADDR_MAX_STRLEN];

  if (party != NULL)
    wzp_registry_push_to_party (self, party,
        wzp_call_record_make_setup (
            call, to, wzp_addr_to_string (&party->local, text)));
}

const char *
wzp_registry_check_answer (
    const WzpCallRecord *call, const WzpMessage *answer, WzpCallSide from)
{
  const WzpRegistryParty *callee = call->party[WZP_CALL_CALLEE];
  WzpFingerprint fp;

  if (from != WZP_CALL_CALLEE || call->state == WZP_CALL_ACTIVE)
    return "out of order";
  if (answer->has_identity_pub) {
    wzp_fingerprint_of_key (answer->identity_pub, &fp);
    if (!wzp_fingerprint_equal (&fp, &call->fp[WZP_CALL_CALLEE]))
      return "the callee is not the sender";
  }
  /* Who accepts is told where the caller is. */
  if (callee != NULL && !callee->is_proved &&
      answer->accept_mode != WZP_ACCEPT_REJECT &&
      !verify_call (callee->key, answer, &call->fp[WZP_CALL_CALLER]))
    return "the signature is wrong";
  return NULL;
}

static void
on_reject (WzpRegistry *self, WzpCallRecord *call)
{
  if (call->party[WZP_CALL_CALLER] != NULL) {
    wzp_registry_end_call (
        self, call, WZP_CALL_CALLER, WZP_HANGUP_DECLINED, NULL);
    return;
  }
  wzp_log_info (WZP_ABOUT (.call_id = call->id), "call %s: declined", call->id);
  remove_call (self, call); /* the caller's relay sends the Hangup */
}

static void
on_answer (WzpRegistry *self, const WzpMessage *answer, WzpCallRecord *call,
    WzpCallSide from)
{
  const char *why = wzp_registry_check_answer (call, answer, from);

  if (why != NULL) {
    wzp_registry_refuse (self, answer, why);
    return;
  }
  push_to_side (
      self, call, WZP_CALL_CALLER, wzp_call_record_make_answer (answer));
  if (answer->accept_mode == WZP_ACCEPT_REJECT) {
    on_reject (self, call);
    return;
  }
  stop_ringing (self, call);
  wzp_call_record_answer (call, answer);
  self->n_active++;
  wzp_log_info (WZP_ABOUT (.call_id = call->id), "call %s: accepted, %s",
      call->id, call->mode == WZP_ACCEPT_TRUSTED ? "trusted" : "generic");
  push_setup (self, call, WZP_CALL_CALLER);
  push_setup (self, call, WZP_CALL_CALLEE);
}

static void
on_update (WzpRegistry *self, const WzpMessage *update, WzpCallRecord *call,
    WzpCallSide from)
{
  WzpMessage *message;

  if (!wzp_call_record_update (call, from, update)) {
    wzp_registry_refuse (self, update, "older than the last one");
    return;
  }
  message = wzp_call_record_make_update (call, from, update);
  if (message != NULL)
    push_to_side (self, call, other_side (from), message);
}

static void
on_report (WzpRegistry *self, const WzpMessage *report, WzpCallRecord *call,
    WzpCallSide from)
{
  if (call->state != WZP_CALL_ACTIVE) {
    wzp_registry_refuse (self, report, "out of order");
    return;
  }
  push_to_side (self, call, other_side (from), wzp_message_copy (report));
}

/* A relay's word on why, as a static string; NULL: it has none, or one that
 * is not known. A client has none. */
static const char *
get_detail (const WzpMessage *hangup)
{
  static const char *const known[] = { WZP_HANGUP_DETAIL_NOT_FOUND,
    WZP_HANGUP_DETAIL_DISCONNECTED, WZP_HANGUP_DETAIL_REFUSED,
    WZP_HANGUP_DETAIL_LIMIT };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_strcmp0 (hangup->detail, known[i]) == 0)
      return known[i];
  return NULL;
}

static void
on_hangup_all (
    WzpRegistry *self, WzpRegistryClient *client, WzpHangupReason reason)
{
  WzpRegistryParty *party = client->party;

  while (party->calls != NULL && party->calls->len > 0) {
    WzpCallRecord *call = party->calls->pdata[party->calls->len - 1];

    wzp_registry_end_call (
        self, call, other_side (side_of (call, party)), reason, NULL);
  }
}

void
wzp_registry_take_call_message_from (WzpRegistry *self, WzpCallRecord *call,
    WzpCallSide from, const WzpMessage *message)
{
  if (message->type == WZP_MESSAGE_CALL_RINGING)
    on_ringing (self, message, call, from);
  else if (message->type == WZP_MESSAGE_DIRECT_CALL_ANSWER)
    on_answer (self, message, call, from);
  else if (message->type == WZP_MESSAGE_CANDIDATE_UPDATE)
    on_update (self, message, call, from);
  else if (message->type == WZP_MESSAGE_MEDIA_PATH_REPORT)
    on_report (self, message, call, from);
  else
    wzp_registry_end_call (self, call, other_side (from), message->reason,
        call->party[from] == NULL ? get_detail (message) : NULL);
}

void
wzp_registry_take_call_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us)
{
  gboolean is_offer = message->type == WZP_MESSAGE_DIRECT_CALL_OFFER;
  WzpCallRecord *call;
  WzpCallSide from;

  if (client->party == NULL && is_offer) {
    refuse_offer (self, client, message, WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_REFUSED, "not registered");
  } else if (client->party == NULL) {
    wzp_registry_refuse (self, message, "not registered");
  } else if (is_offer) {
    on_offer (self, client, message, now_us);
  } else if (message->type == WZP_MESSAGE_HANGUP && message->call_id == NULL) {
    on_hangup_all (self, client, message->reason);
  } else {
    call = find_call (self, client, message, &from);
    if (call != NULL)
      wzp_registry_take_call_message_from (self, call, from, message);
  }
}

gboolean
wzp_registry_may_join (
    const WzpRegistry *self, const char *call_id, const WzpFingerprint *who)
{
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, call_id);
  WzpFingerprint a, b;

  if (call != NULL)
    return call->state == WZP_CALL_ACTIVE &&
        (wzp_fingerprint_equal (who, &call->fp[WZP_CALL_CALLER]) ||
            wzp_fingerprint_equal (who, &call->fp[WZP_CALL_CALLEE]));
  return wzp_call_id_get_parties (call_id, &a, &b) &&
      (wzp_fingerprint_equal (who, &a) || wzp_fingerprint_equal (who, &b));
}

void
wzp_registry_set_in_room (WzpRegistry *self, const char *call_id,
    const WzpFingerprint *who, gboolean is_in_room)
{
  WzpCallRecord *call;
  const WzpRegistryParty *party;
  WzpCallSide side;

  g_return_if_fail (self != NULL && call_id != NULL && who != NULL);

  call = g_hash_table_lookup (self->calls, call_id);
  if (call == NULL)
    return;
  if (wzp_fingerprint_equal (who, &call->fp[WZP_CALL_CALLER]))
    side = WZP_CALL_CALLER;
  else if (wzp_fingerprint_equal (who, &call->fp[WZP_CALL_CALLEE]))
    side = WZP_CALL_CALLEE;
  else
    return;
  call->is_in_room[side] = is_in_room;
  party = call->party[side];
  if (!is_in_room && party != NULL && party->client == NULL &&
      !party->is_waiting)
    wzp_registry_end_call (self, call, other_side (side), WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_DISCONNECTED);
}

WzpCallState
wzp_registry_get_call_state (const WzpRegistry *self, const char *call_id)
{
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, call_id);

  return call != NULL ? call->state : WZP_CALL_NONE;
}
