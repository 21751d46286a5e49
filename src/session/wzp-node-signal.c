/* The node at its relay's signalling: registering, and what comes from there
 * for calls that are under way. Making calls and taking them is in files of
 * their own. */
#include "wzp-clock.h"
#include "wzp-node-private.h"

void
wzp_node_begin_race (
    WzpNode *self, WzpCallEntry *entry, const WzpMessage *setup)
{
  wzp_node_start_call (self, entry, (const char *const *) setup->local_addrs,
      setup->reflexive_addr);
}

static void
on_setup (WzpNode *self, const WzpMessage *setup)
{
  WzpCallEntry *entry = wzp_node_find_call (self, setup->call_id);

  if (entry != NULL && !wzp_call_is_started (entry->call)) {
    wzp_node_begin_race (self, entry, setup);
  } else if (entry == NULL &&
      g_strcmp0 (setup->call_id, self->offer.call_id) == 0) {
    /* Streams may overtake each other: the answer is still under way. */
    g_free (self->offer.early_setup);
    self->offer.early_setup = wzp_message_to_json (setup);
  }
}

static GError *
error_of_hangup (const WzpMessage *hangup)
{
  const char *detail = hangup->detail;

  switch (hangup->reason) {
    case WZP_HANGUP_NORMAL:
      return NULL;
    case WZP_HANGUP_BUSY:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_BUSY, "The peer is busy");
    case WZP_HANGUP_DECLINED:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_REJECTED, "The peer declined the call");
    case WZP_HANGUP_TIMEOUT:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_TIMED_OUT, "The peer did not answer the call");
    case WZP_HANGUP_ERROR:
      if (g_strcmp0 (detail, WZP_HANGUP_DETAIL_NOT_FOUND) == 0)
        return g_error_new_literal (WZP_ERROR, WZP_ERROR_NOT_FOUND,
            "The peer is not registered at the relay");
      return g_error_new (WZP_ERROR, WZP_ERROR_CLOSED,
          "The call was ended by an error of the other side%s%s",
          detail != NULL ? ": " : "", detail != NULL ? detail : "");
  }
  g_return_val_if_reached (NULL);
}

/* The relay has lost sight of a peer that we hear. */
static gboolean
is_hearsay (const WzpCallEntry *entry, const WzpMessage *hangup)
{
  return g_strcmp0 (hangup->detail, WZP_HANGUP_DETAIL_DISCONNECTED) == 0 &&
      wzp_call_is_up (entry->call) &&
      wzp_call_get_silence_us (entry->call) < WZP_NODE_REPLACE_US;
}

static void
on_hangup (WzpNode *self, const WzpMessage *hangup)
{
  g_autoptr (GError) error = error_of_hangup (hangup);

  if (self->offer.call_id != NULL &&
      (hangup->call_id == NULL ||
          g_strcmp0 (hangup->call_id, self->offer.call_id) == 0)) {
    if (error == NULL)
      error = g_error_new_literal (
          WZP_ERROR, WZP_ERROR_CLOSED, "The peer ended the call");
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if ((hangup->call_id == NULL ||
            g_strcmp0 (hangup->call_id, wzp_call_get_id (entry->call)) == 0) &&
        !is_hearsay (entry, hangup))
      wzp_call_peer_hung_up (entry->call, error);
  }
}

static void
on_candidate_update (WzpNode *self, const WzpMessage *update)
{
  WzpCallEntry *entry = wzp_node_find_call (self, update->call_id);
  WzpCandidateList list;
  WzpCandidateFilter filter;

  if (entry == NULL || entry->is_private)
    return;
  wzp_node_fill_candidate_filter (self, &filter);
  wzp_candidate_list_from_remote (&list,
      (const char *const *) update->local_addrs, update->reflexive_addr,
      &filter);
  wzp_call_add_candidates (entry->call, &list);
}

static void
on_path_report (WzpNode *self, const WzpMessage *report)
{
  WzpCallEntry *entry = wzp_node_find_call (self, report->call_id);

  if (entry != NULL) {
    wzp_call_take_report (entry->call, report->direct_ok);
  } else if (g_strcmp0 (report->call_id, self->offer.call_id) == 0) {
    /* It overtook the answer. "Not ok" is not taken back. */
    self->offer.early_direct_ok = report->direct_ok &&
        (self->offer.early_direct_ok || !self->offer.has_early_report);
    self->offer.has_early_report = TRUE;
  }
}

static void
on_signal_message (
    WzpSignalClient *client, const WzpMessage *message, gpointer user_data)
{
  WzpNode *self = user_data;

  switch (message->type) {
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
      wzp_node_take_offer (self, message);
      break;
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
      wzp_node_take_answer (self, message);
      break;
    case WZP_MESSAGE_CALL_SETUP:
      on_setup (self, message);
      break;
    case WZP_MESSAGE_HANGUP:
      on_hangup (self, message);
      break;
    case WZP_MESSAGE_CANDIDATE_UPDATE:
      on_candidate_update (self, message);
      break;
    case WZP_MESSAGE_MEDIA_PATH_REPORT:
      on_path_report (self, message);
      break;
    default:
      /* Ringing and the like: nothing follows from them. */
      break;
  }
}

static void
on_signal_progress (
    WzpSignalClient *client, const char *step, gpointer user_data)
{
  WzpNode *self = user_data;

  if (self->calls->len == 0)
    wzp_node_emit_progress (self, step);
}

static void
on_signal_ready (WzpSignalClient *client, gpointer user_data)
{
  WzpNode *self = user_data;

  wzp_redial_up (&self->signal_rule);
  self->signal_stood = TRUE;
  wzp_node_take_reflexive (self);
  self->reflect_at_us = wzp_clock_now_us () + WZP_NODE_REFLECT_US;
  wzp_node_schedule (self, self->reflect_at_us);
  wzp_node_tell_changes (self);
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_repeat_report (entry->call);
  }
  switch (self->config.mode) {
    case WZP_MODE_CALLER:
      wzp_node_repeat_offer (self);
      wzp_node_place_call (self);
      break;
    case WZP_MODE_LISTENER:
      self->attempts = 0;
      wzp_node_emit_progress (self, "listening");
      break;
    case WZP_MODE_APP:
      /* With a call, what was told stays valid. */
      if (self->calls->len == 0)
        wzp_node_publish_local (self);
      else
        wzp_node_republish_local (self);
      break;
    case WZP_MODE_ROOM: /* does without signalling */
      break;
  }
}

static void
on_signal_reflexive_changed (WzpSignalClient *client, gpointer user_data)
{
  WzpNode *self = user_data;

  g_debug (
      "reflexive address now %s", wzp_signal_client_get_reflexive (client));
  wzp_node_take_reflexive (self);
  wzp_node_tell_network (self);
}

static void
on_signal_warning (
    WzpSignalClient *client, const char *text, gpointer user_data)
{
  wzp_node_emit_warning (user_data, text);
}

static void
on_signal_failed (
    WzpSignalClient *client, const GError *error, gpointer user_data)
{
  WzpNode *self = user_data;

  /* A call that is up does without, and the relay keeps one that is not yet for
   * some seconds; registration is tried again behind it. */
  if (self->calls->len > 0 || self->offer.call_id != NULL) {
    self->retry_at_us = wzp_node_get_signal_retry_us (self);
    wzp_node_schedule (self, self->retry_at_us);
    wzp_node_emit_warning (self, error->message);
    return;
  }
  /* The application carries the candidates: direct calls are still possible. */
  if (self->config.mode == WZP_MODE_APP &&
      self->config.policy != WZP_POLICY_RELAY) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_publish_local (self);
    return;
  }
  wzp_node_fail_attempt (self, error, "connect", WZP_PATH_RELAY, NULL);
}

static const WzpSignalHandler signal_handler = {
  .progress = on_signal_progress,
  .ready = on_signal_ready,
  .message = on_signal_message,
  .reflexive_changed = on_signal_reflexive_changed,
  .warning = on_signal_warning,
  .failed = on_signal_failed,
};

void
wzp_node_begin (WzpNode *self)
{
  const WzpNodeConfig *config = &self->config;
  WzpSignalConfig signal = { .relay = config->relay,
    .trust = config->relay_trust,
    .relay_fingerprint = config->relay_fingerprint,
    .known_relays_path = config->known_relays_path,
    .alias = config->mode == WZP_MODE_APP ? NULL : config->alias,
    .token = config->token,
    .timeout_ms = config->relay_timeout_ms };

  if (config->mode == WZP_MODE_ROOM) {
    wzp_node_begin_room (self);
    return;
  }
  if (config->relay == NULL) {
    wzp_node_publish_local (self);
    return;
  }
  self->signal = wzp_signal_client_new (
      self->endpoint, self->identity, &signal, &signal_handler, self);
  wzp_signal_client_start (self->signal);
}

void
wzp_node_try_again (WzpNode *self)
{
  self->retry_at_us = -1;
  if (self->config.mode == WZP_MODE_ROOM) {
    wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
    wzp_node_begin_room (self);
    return;
  }
  if (self->signal == NULL)
    return;
  if (self->calls->len == 0)
    wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  if (!wzp_signal_client_is_ready (self->signal))
    wzp_signal_client_start (self->signal);
  else if (self->config.mode == WZP_MODE_CALLER)
    wzp_node_place_call (self);
}
