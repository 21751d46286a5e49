#include "wzp-registry-private.h"

#include <string.h>

static WzpMessage *
new_hangup (const char *call_id, WzpHangupReason reason, const char *detail)
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

static void
link_call (WzpCallRecord *call, WzpCallSide side, WzpRegistryParty *party)
{
  call->party[side] = party;
  if (party->calls == NULL)
    party->calls = g_ptr_array_new ();
  g_ptr_array_add (party->calls, call);
}

/* Takes the call out of every table and frees it. */
static void
remove_call (WzpRegistry *self, WzpCallRecord *call)
{
  WzpRegistryParty *parties[2] = { call->party[0], call->party[1] };

  if (call->state == WZP_CALL_ACTIVE)
    self->n_active--;
  else
    g_queue_unlink (&self->unanswered, &call->link);
  for (guint side = 0; side < 2; side++)
    g_ptr_array_remove_fast (parties[side]->calls, call);
  g_hash_table_remove (self->calls, call->id);
  for (guint side = 0; side < 2; side++)
    wzp_registry_free_party_if_gone (self, parties[side]);
}

/* Ends @call and tells @to of it. */
static void
end_call (WzpRegistry *self, WzpCallRecord *call, WzpCallSide to,
    WzpHangupReason reason, const char *detail)
{
  g_info ("call %s: ended, %s%s%s", call->id,
      wzp_hangup_reason_to_string (reason), detail != NULL ? ", " : "",
      detail != NULL ? detail : "");
  wzp_registry_push_to_party (
      self, call->party[to], new_hangup (call->id, reason, detail));
  remove_call (self, call);
}

/* Not those that go on in their room. */
void
wzp_registry_end_calls_without_client (
    WzpRegistry *self, WzpRegistryParty *party)
{
  /* Backwards, since ending one puts the last in its place. */
  for (guint i = party->calls != NULL ? party->calls->len : 0; i > 0; i--) {
    WzpCallRecord *call = party->calls->pdata[i - 1];
    WzpCallSide side = side_of (call, party);

    if (call->state != WZP_CALL_ACTIVE || !call->is_in_room[side])
      end_call (self, call, other_side (side), WZP_HANGUP_ERROR,
          WZP_HANGUP_DETAIL_DISCONNECTED);
  }
}

static void
refuse_offer (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *offer, WzpHangupReason reason, const char *detail,
    const char *why)
{
  wzp_registry_refuse (self, offer, why);
  wzp_registry_push (self, client, new_hangup (offer->call_id, reason, detail));
}

/* Why the offer is not in order, as a static string; NULL: it is. */
static const char *
check_offer (
    WzpRegistry *self, const WzpRegistryParty *caller, const WzpMessage *offer)
{
  WzpFingerprint a, b;

  if (!wzp_call_id_is_valid (offer->call_id))
    return "the call id is not valid";
  if (!wzp_fingerprint_equal (&offer->caller_fp, &caller->fingerprint) ||
      memcmp (offer->identity_pub, caller->key, WZP_PUBLIC_KEY_LEN) != 0)
    return "the caller is not the sender";
  if (wzp_fingerprint_equal (&offer->target_fp, &caller->fingerprint))
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
has_room_for_call (const WzpRegistry *self, const WzpRegistryParty *party)
{
  return party->calls == NULL ||
      party->calls->len < self->limits.max_calls_per_client;
}

static void
place_call (WzpRegistry *self, WzpRegistryParty *caller,
    WzpRegistryParty *callee, const WzpMessage *offer, gint64 now_us)
{
  WzpCallRecord *call = wzp_call_record_new (offer);
  char a[WZP_FINGERPRINT_STRLEN], b[WZP_FINGERPRINT_STRLEN];

  call->deadline_us = now_us + self->limits.call_timeout_us;
  g_hash_table_insert (self->calls, call->id, call);
  g_queue_push_tail_link (&self->unanswered, &call->link);
  link_call (call, WZP_CALL_CALLER, caller);
  link_call (call, WZP_CALL_CALLEE, callee);
  self->n_placed++;
  g_info ("call %s: %s calls %s", call->id,
      wzp_fingerprint_to_string (&caller->fingerprint, a),
      wzp_fingerprint_to_string (&callee->fingerprint, b));
  wzp_registry_push_to_party (
      self, callee, wzp_call_record_make_offer (offer, caller->alias));
}

static void
on_offer (WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *offer,
    gint64 now_us)
{
  WzpRegistryParty *caller = client->party;
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, offer->call_id);
  const char *why;
  WzpRegistryParty *callee;

  /* A Hangup would end the call that it has. */
  if (call != NULL && call->party[WZP_CALL_CALLER] == caller) {
    wzp_registry_refuse (self, offer, "the same call again");
    return;
  }
  why = check_offer (self, caller, offer);
  if (why != NULL) {
    refuse_offer (
        self, client, offer, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED, why);
    return;
  }
  callee = g_hash_table_lookup (self->parties, &offer->target_fp);
  if (callee == NULL || callee->client == NULL) {
    refuse_offer (self, client, offer, WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_NOT_FOUND, "the target is not registered");
    return;
  }
  if (g_hash_table_size (self->calls) >= self->limits.max_calls ||
      !has_room_for_call (self, caller) || !has_room_for_call (self, callee)) {
    refuse_offer (self, client, offer, WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT,
        "too many calls");
    return;
  }
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
  wzp_registry_push_to_party (
      self, call->party[WZP_CALL_CALLER], wzp_message_copy (message));
}

static void
push_setup (WzpRegistry *self, const WzpCallRecord *call, WzpCallSide to)
{
  const WzpRegistryParty *party = call->party[to];
  char text[WZP_ADDR_MAX_STRLEN];

  /* Both have a client: an unanswered call ends when one has none. */
  wzp_addr_to_string (&party->client->local, text);
  wzp_registry_push (
      self, party->client, wzp_call_record_make_setup (call, to, text));
}

static void
on_answer (WzpRegistry *self, const WzpMessage *answer, WzpCallRecord *call,
    WzpCallSide from)
{
  const WzpRegistryParty *callee = call->party[WZP_CALL_CALLEE];

  if (from != WZP_CALL_CALLEE || call->state == WZP_CALL_ACTIVE) {
    wzp_registry_refuse (self, answer, "out of order");
    return;
  }
  if (answer->has_identity_pub &&
      memcmp (answer->identity_pub, callee->key, WZP_PUBLIC_KEY_LEN) != 0) {
    wzp_registry_refuse (self, answer, "the callee is not the sender");
    return;
  }

  wzp_registry_push_to_party (
      self, call->party[WZP_CALL_CALLER], wzp_call_record_make_answer (answer));
  if (answer->accept_mode == WZP_ACCEPT_REJECT) {
    end_call (self, call, WZP_CALL_CALLER, WZP_HANGUP_DECLINED, NULL);
    return;
  }
  g_queue_unlink (&self->unanswered, &call->link);
  wzp_call_record_answer (call, answer);
  self->n_active++;
  g_info ("call %s: accepted, %s", call->id,
      call->mode == WZP_ACCEPT_TRUSTED ? "trusted" : "generic");
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
  message = wzp_call_record_make_update (call, update);
  if (message != NULL)
    wzp_registry_push_to_party (self, call->party[other_side (from)], message);
}

static void
on_report (WzpRegistry *self, const WzpMessage *report, WzpCallRecord *call,
    WzpCallSide from)
{
  if (call->state != WZP_CALL_ACTIVE) {
    wzp_registry_refuse (self, report, "out of order");
    return;
  }
  wzp_registry_push_to_party (
      self, call->party[other_side (from)], wzp_message_copy (report));
}

static void
on_hangup_all (
    WzpRegistry *self, WzpRegistryClient *client, WzpHangupReason reason)
{
  WzpRegistryParty *party = client->party;

  while (party->calls != NULL && party->calls->len > 0) {
    WzpCallRecord *call = party->calls->pdata[party->calls->len - 1];

    end_call (self, call, other_side (side_of (call, party)), reason, NULL);
  }
}

static void
on_call_message (
    WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *message)
{
  WzpCallSide from;
  WzpCallRecord *call = find_call (self, client, message, &from);

  if (call == NULL)
    return;
  if (message->type == WZP_MESSAGE_CALL_RINGING)
    on_ringing (self, message, call, from);
  else if (message->type == WZP_MESSAGE_DIRECT_CALL_ANSWER)
    on_answer (self, message, call, from);
  else if (message->type == WZP_MESSAGE_CANDIDATE_UPDATE)
    on_update (self, message, call, from);
  else if (message->type == WZP_MESSAGE_MEDIA_PATH_REPORT)
    on_report (self, message, call, from);
  else
    end_call (self, call, other_side (from), message->reason, NULL);
}

void
wzp_registry_take_call_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us)
{
  gboolean is_offer = message->type == WZP_MESSAGE_DIRECT_CALL_OFFER;

  if (client->party == NULL && is_offer)
    refuse_offer (self, client, message, WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_REFUSED, "not registered");
  else if (client->party == NULL)
    wzp_registry_refuse (self, message, "not registered");
  else if (is_offer)
    on_offer (self, client, message, now_us);
  else if (message->type == WZP_MESSAGE_HANGUP && message->call_id == NULL)
    on_hangup_all (self, client, message->reason);
  else
    on_call_message (self, client, message);
}

gint64
wzp_registry_get_deadline (const WzpRegistry *self)
{
  const WzpCallRecord *oldest;

  g_return_val_if_fail (self != NULL, -1);

  if (self->unanswered.head == NULL)
    return -1;
  oldest = self->unanswered.head->data;
  return oldest->deadline_us;
}

gint64
wzp_registry_advance (WzpRegistry *self, gint64 now_us)
{
  gint64 deadline_us;

  g_return_val_if_fail (self != NULL, -1);

  while ((deadline_us = wzp_registry_get_deadline (self)) >= 0 &&
      deadline_us <= now_us) {
    WzpCallRecord *call = self->unanswered.head->data;

    wzp_registry_push_to_party (self, call->party[WZP_CALL_CALLEE],
        new_hangup (call->id, WZP_HANGUP_TIMEOUT, NULL));
    end_call (self, call, WZP_CALL_CALLER, WZP_HANGUP_TIMEOUT, NULL);
  }
  return deadline_us;
}

gboolean
wzp_registry_may_join (
    const WzpRegistry *self, const char *call_id, const WzpFingerprint *who)
{
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, call_id);
  WzpFingerprint a, b;

  if (call != NULL) {
    const WzpRegistryParty *caller = call->party[WZP_CALL_CALLER];
    const WzpRegistryParty *callee = call->party[WZP_CALL_CALLEE];

    return call->state == WZP_CALL_ACTIVE &&
        (wzp_fingerprint_equal (who, &caller->fingerprint) ||
            wzp_fingerprint_equal (who, &callee->fingerprint));
  }
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
  party = g_hash_table_lookup (self->parties, who);
  if (call == NULL || party == NULL ||
      (call->party[WZP_CALL_CALLER] != party &&
          call->party[WZP_CALL_CALLEE] != party))
    return;
  side = side_of (call, party);
  call->is_in_room[side] = is_in_room;
  if (!is_in_room && party->client == NULL)
    end_call (self, call, other_side (side), WZP_HANGUP_ERROR,
        WZP_HANGUP_DETAIL_DISCONNECTED);
}

WzpCallState
wzp_registry_get_call_state (const WzpRegistry *self, const char *call_id)
{
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, call_id);

  return call != NULL ? call->state : WZP_CALL_NONE;
}
