#include "wzp-plain-nominate.h"

struct _WzpPlainNominate {
  gboolean direct_pending, relay_pending;
  gboolean direct_up, relay_up;
  gboolean has_told, own_ok;   /* our report */
  gboolean has_heard, peer_ok; /* the peer's */
  gboolean is_waiting;         /* for the peer's report */
  gint64 wait_until_us;        /* valid while waiting */
  WzpPath path;
};

WzpPlainNominate *
wzp_plain_nominate_new (void)
{
  WzpPlainNominate *self = g_new0 (WzpPlainNominate, 1);

  self->direct_pending = self->relay_pending = TRUE;
  return self;
}

void
wzp_plain_nominate_free (WzpPlainNominate *self)
{
  g_free (self);
}

void
wzp_plain_nominate_set_pending (
    WzpPlainNominate *self, gboolean direct, gboolean relay)
{
  g_return_if_fail (self != NULL);

  self->direct_pending = direct;
  self->relay_pending = relay;
}

static void
set_up (WzpPlainNominate *self, WzpPath path, gboolean is_up)
{
  if (path == WZP_PATH_DIRECT)
    self->direct_up = is_up;
  else if (path == WZP_PATH_RELAY)
    self->relay_up = is_up;
}

void
wzp_plain_nominate_path_up (WzpPlainNominate *self, WzpPath path)
{
  g_return_if_fail (self != NULL);

  set_up (self, path, TRUE);
}

void
wzp_plain_nominate_path_down (WzpPlainNominate *self, WzpPath path)
{
  g_return_if_fail (self != NULL);

  set_up (self, path, FALSE);
}

void
wzp_plain_nominate_receive (WzpPlainNominate *self, gboolean direct_ok)
{
  g_return_if_fail (self != NULL);

  self->peer_ok = direct_ok && (self->peer_ok || !self->has_heard);
  self->has_heard = TRUE;
}

/* Whether our report has changed, or is the first. */
static gboolean
decide_report (WzpPlainNominate *self)
{
  gboolean told_ok = self->own_ok;

  if (self->has_told) {
    self->own_ok = self->own_ok && self->direct_up;
    return self->own_ok != told_ok;
  }
  if (!self->direct_up &&
      (!self->relay_up ||
          (self->direct_pending && !(self->has_heard && !self->peer_ok))))
    return FALSE;
  self->has_told = TRUE;
  self->own_ok = self->direct_up;
  return TRUE;
}

static void
update_wait (WzpPlainNominate *self, gint64 now_us)
{
  self->is_waiting =
      self->is_waiting && !self->has_heard && now_us < self->wait_until_us;
}

static WzpPath
choose_path (const WzpPlainNominate *self)
{
  if (!self->has_told || self->is_waiting)
    return WZP_PATH_NONE;
  if (self->own_ok && self->has_heard && self->peer_ok)
    return WZP_PATH_DIRECT;
  if (self->relay_up)
    return WZP_PATH_RELAY;
  /* The relay may be there in a moment; it is what the peer expects. */
  if (self->direct_up && !self->relay_pending)
    return WZP_PATH_DIRECT;
  return WZP_PATH_NONE;
}

gboolean
wzp_plain_nominate_step (
    WzpPlainNominate *self, gint64 now_us, WzpPlainNominateAction *ret_action)
{
  gboolean is_first;
  WzpPath path;

  g_return_val_if_fail (self != NULL && ret_action != NULL, FALSE);

  is_first = !self->has_told;
  if (decide_report (self)) {
    if (is_first) {
      self->is_waiting = TRUE;
      self->wait_until_us = now_us + WZP_PLAIN_NOMINATE_WAIT_US;
    }
    *ret_action =
        (WzpPlainNominateAction){ .type = WZP_PLAIN_NOMINATE_ACTION_REPORT,
          .direct_ok = self->own_ok };
    return TRUE;
  }

  update_wait (self, now_us);
  path = choose_path (self);
  if (path == self->path)
    return FALSE;
  *ret_action = (WzpPlainNominateAction){
    .type = WZP_PLAIN_NOMINATE_ACTION_CHANGED,
    .old_path = self->path,
    .path = path,
  };
  self->path = path;
  return TRUE;
}

gint64
wzp_plain_nominate_get_deadline (const WzpPlainNominate *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->is_waiting ? self->wait_until_us : -1;
}

gboolean
wzp_plain_nominate_get_report (
    const WzpPlainNominate *self, gboolean *ret_direct_ok)
{
  g_return_val_if_fail (self != NULL && ret_direct_ok != NULL, FALSE);

  *ret_direct_ok = self->own_ok;
  return self->has_told;
}
