#include "wzp-call-record.h"

#include "wzp-addr.h"

/* A copy when @text is an address, else NULL. The spelling stays: peers compare
 * the texts to decide who dials. */
static char *
dup_if_addr (const char *text)
{
  WzpAddr addr;

  return text != NULL && wzp_addr_parse (text, &addr, NULL) ? g_strdup (text)
                                                            : NULL;
}

/* The addresses in @texts; NULL: none. */
static char **
dup_addrs (char *const *texts)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  for (; texts != NULL && *texts != NULL; texts++) {
    char *addr = dup_if_addr (*texts);

    if (addr != NULL)
      g_ptr_array_add (kept, addr);
    if (kept->len == WZP_CALL_RECORD_MAX_ADDRS)
      break;
  }
  if (kept->len == 0)
    return NULL;
  g_ptr_array_add (kept, NULL);
  return (char **) g_ptr_array_steal (kept, NULL);
}

static void
clear_addrs (WzpCallRecord *call, WzpCallSide side)
{
  g_clear_pointer (&call->reflexive_addr[side], g_free);
  g_clear_pointer (&call->local_addrs[side], g_strfreev);
}

static void
take_addrs (WzpCallRecord *call, WzpCallSide side, const WzpMessage *message)
{
  clear_addrs (call, side);
  call->reflexive_addr[side] = dup_if_addr (message->reflexive_addr);
  call->local_addrs[side] = dup_addrs (message->local_addrs);
}

WzpCallRecord *
wzp_call_record_new (const WzpMessage *offer)
{
  WzpCallRecord *call = g_new0 (WzpCallRecord, 1);

  call->id = g_strdup (offer->call_id);
  call->state = WZP_CALL_PENDING;
  wzp_deadline_init (&call->timeout, call);
  call->no_reason = WZP_HANGUP_ERROR;
  call->no_detail = WZP_HANGUP_DETAIL_NOT_FOUND;
  call->fp[WZP_CALL_CALLER] = offer->caller_fp;
  call->fp[WZP_CALL_CALLEE] = offer->target_fp;
  take_addrs (call, WZP_CALL_CALLER, offer);
  return call;
}

void
wzp_call_record_free (WzpCallRecord *call)
{
  if (call == NULL)
    return;
  clear_addrs (call, WZP_CALL_CALLER);
  clear_addrs (call, WZP_CALL_CALLEE);
  g_free (call->id);
  g_free (call);
}

void
wzp_call_record_answer (WzpCallRecord *call, const WzpMessage *answer)
{
  call->state = WZP_CALL_ACTIVE;
  call->mode = answer->accept_mode;
  if (call->mode != WZP_ACCEPT_TRUSTED) {
    clear_addrs (call, WZP_CALL_CALLER);
    clear_addrs (call, WZP_CALL_CALLEE);
  } else if (!call->has_update[WZP_CALL_CALLEE]) {
    take_addrs (call, WZP_CALL_CALLEE, answer);
  }
}

/* Addresses go from one party to the other. */
static gboolean
is_open (const WzpCallRecord *call)
{
  return call->state == WZP_CALL_ACTIVE && call->mode == WZP_ACCEPT_TRUSTED;
}

gboolean
wzp_call_record_update (
    WzpCallRecord *call, WzpCallSide from, const WzpMessage *update)
{
  if (update->generation < call->generation[from])
    return FALSE;
  call->generation[from] = update->generation;
  call->has_update[from] = TRUE;
  if (call->state != WZP_CALL_ACTIVE || is_open (call))
    take_addrs (call, from, update);
  return TRUE;
}

/* Leaves only addresses that are well formed, or with @is_private none. */
static void
clean_addrs (WzpMessage *message, gboolean is_private)
{
  char *reflexive = message->reflexive_addr;
  char *mapped = message->mapped_addr;
  char **local = message->local_addrs;

  message->reflexive_addr = is_private ? NULL : dup_if_addr (reflexive);
  message->mapped_addr = is_private ? NULL : dup_if_addr (mapped);
  message->local_addrs = is_private ? NULL : dup_addrs (local);
  g_free (reflexive);
  g_free (mapped);
  g_strfreev (local);
}

static WzpMessage *
copy_offer (
    const WzpMessage *offer, const char *caller_alias, gboolean is_private)
{
  WzpMessage *message = wzp_message_copy (offer);

  clean_addrs (message, is_private);
  g_free (message->alias);
  message->alias = g_strdup (caller_alias);
  return message;
}

WzpMessage *
wzp_call_record_make_offer (const WzpMessage *offer, const char *caller_alias)
{
  /* How the callee will accept is not known yet: it gets them by CallSetup. */
  return copy_offer (offer, caller_alias, TRUE);
}

WzpMessage *
wzp_call_record_make_offer_to_relay (
    const WzpMessage *offer, const char *caller_alias)
{
  return copy_offer (offer, caller_alias, FALSE);
}

WzpMessage *
wzp_call_record_make_answer (const WzpMessage *answer)
{
  WzpMessage *message = wzp_message_copy (answer);

  clean_addrs (message, answer->accept_mode != WZP_ACCEPT_TRUSTED);
  return message;
}

WzpMessage *
wzp_call_record_make_setup (
    const WzpCallRecord *call, WzpCallSide to, const char *relay_addr)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_CALL_SETUP);
  WzpCallSide other = to == WZP_CALL_CALLER ? WZP_CALL_CALLEE : WZP_CALL_CALLER;

  message->call_id = g_strdup (call->id);
  message->room = wzp_sni_for_call_room (call->id);
  message->relay_addr = g_strdup (relay_addr);
  if (is_open (call)) {
    message->reflexive_addr = g_strdup (call->reflexive_addr[other]);
    message->local_addrs = g_strdupv (call->local_addrs[other]);
  }
  return message;
}

WzpMessage *
wzp_call_record_make_update (
    const WzpCallRecord *call, WzpCallSide from, const WzpMessage *update)
{
  /* The callee's relay has the caller's addresses from the offer, and needs
   * newer ones for its CallSetup. */
  gboolean is_for_relay = call->state != WZP_CALL_ACTIVE &&
      from == WZP_CALL_CALLER && call->party[WZP_CALL_CALLEE] == NULL;
  WzpMessage *message;

  if (!is_open (call) && !is_for_relay)
    return NULL;
  message = wzp_message_copy (update);
  clean_addrs (message, FALSE);
  return message;
}
