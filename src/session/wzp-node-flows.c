/* The flows of a node: added and removed from any thread. */
#include "wzp-node-private.h"

#include <string.h>

/* The name of a flow that leaves may be taken again. */
static void
forget_send_flow (WzpNode *self, const WzpSendFlow *flow)
{
  guint index;

  g_mutex_lock (&self->lock);
  if (g_ptr_array_find_with_equal_func (
          self->flow_names, wzp_send_flow_get_name (flow), g_str_equal, &index))
    g_ptr_array_remove_index (self->flow_names, index);
  g_mutex_unlock (&self->lock);
}

static void
forget_recv_flow (WzpNode *self)
{
  g_mutex_lock (&self->lock);
  self->n_recv_flows--;
  g_mutex_unlock (&self->lock);
}

/* An orphan tells nobody when it is detached: its place is given back here. */
static void
orphan_send_flow (WzpNode *self, WzpSendFlow *flow)
{
  if (wzp_send_flow_orphan (flow))
    forget_send_flow (self, flow);
}

static void
orphan_recv_flow (WzpNode *self, WzpRecvFlow *flow)
{
  if (wzp_recv_flow_orphan (flow))
    forget_recv_flow (self);
}

void
wzp_node_orphan_flows (WzpNode *self)
{
  for (guint i = 0; i < self->send_flows->len; i++)
    orphan_send_flow (self, self->send_flows->pdata[i]);
  for (guint i = 0; i < self->recv_flows->len; i++) {
    const WzpRecvEntry *entry = self->recv_flows->pdata[i];

    orphan_recv_flow (self, entry->flow);
  }
}

typedef struct {
  WzpSendFlow *send;
  WzpRecvFlow *recv;
} FlowCommand;

static void
flow_command_free (gpointer data)
{
  FlowCommand *command = data;

  g_clear_pointer (&command->send, wzp_send_flow_unref);
  g_clear_pointer (&command->recv, wzp_recv_flow_unref);
  g_free (command);
}

static FlowCommand *
flow_command_new (WzpSendFlow *send, WzpRecvFlow *recv)
{
  FlowCommand *command = g_new0 (FlowCommand, 1);

  command->send = send != NULL ? wzp_send_flow_ref (send) : NULL;
  command->recv = recv != NULL ? wzp_recv_flow_ref (recv) : NULL;
  return command;
}

static void
do_add_send_flow (WzpNode *self, gpointer data)
{
  FlowCommand *command = data;

  if (self->has_failed || g_atomic_int_get (&self->is_stopping)) {
    orphan_send_flow (self, command->send);
    return;
  }
  g_ptr_array_add (self->send_flows, wzp_send_flow_ref (command->send));
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_add_send_flow (entry->call, command->send);
  }
  if (self->room != NULL)
    wzp_room_add_send_flow (self->room, command->send);
  wzp_node_update_connected (self);
}

static void
do_remove_send_flow (WzpNode *self, gpointer data)
{
  FlowCommand *command = data;

  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_remove_send_flow (entry->call, command->send);
  }
  if (self->room != NULL)
    wzp_room_remove_send_flow (self->room, command->send);
  g_ptr_array_remove (self->send_flows, command->send);
}

static void
do_add_recv_flow (WzpNode *self, gpointer data)
{
  FlowCommand *command = data;
  WzpRecvEntry *recv;

  if (self->has_failed || g_atomic_int_get (&self->is_stopping)) {
    orphan_recv_flow (self, command->recv);
    return;
  }
  recv = g_new0 (WzpRecvEntry, 1);
  recv->flow = wzp_recv_flow_ref (command->recv);
  g_ptr_array_add (self->recv_flows, recv);
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_recv_flow_added (entry->call);
  }
  if (self->room != NULL)
    wzp_room_recv_flow_added (self->room);
}

static void
do_remove_recv_flow (WzpNode *self, gpointer data)
{
  FlowCommand *command = data;

  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_recv_flow_removed (entry->call, command->recv);
  }
  if (self->room != NULL)
    wzp_room_recv_flow_removed (self->room, command->recv);
  for (guint i = 0; i < self->recv_flows->len; i++) {
    const WzpRecvEntry *recv = self->recv_flows->pdata[i];

    if (recv->flow == command->recv) {
      g_ptr_array_remove_index (self->recv_flows, i);
      break;
    }
  }
}

void
wzp_node_recv_entry_free (gpointer data)
{
  WzpRecvEntry *entry = data;

  wzp_recv_flow_unref (entry->flow);
  g_free (entry);
}

static void
detach_send_flow (gpointer user_data, gpointer flow)
{
  WzpNode *self = user_data;

  forget_send_flow (self, flow);
  wzp_node_invoke (self, do_remove_send_flow, flow_command_new (flow, NULL),
      flow_command_free);
}

static void
detach_recv_flow (gpointer user_data, gpointer flow)
{
  WzpNode *self = user_data;

  forget_recv_flow (self);
  wzp_node_invoke (self, do_remove_recv_flow, flow_command_new (NULL, flow),
      flow_command_free);
}

static gboolean
check_flow_name (const char *name, GError **error)
{
  gsize len = strlen (name);

  if (len >= 1 && len <= WZP_FLOW_NAME_MAX && g_utf8_validate (name, -1, NULL))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "A flow's name is 1 to %u bytes of UTF-8", WZP_FLOW_NAME_MAX);
  return FALSE;
}

static gboolean
reserve_send_flow (WzpNode *self, const char *name, GError **error)
{
  gboolean taken, full;

  g_mutex_lock (&self->lock);
  taken = g_ptr_array_find_with_equal_func (
      self->flow_names, name, g_str_equal, NULL);
  full = self->flow_names->len >= WZP_NODE_MAX_FLOWS;
  if (!taken && !full)
    g_ptr_array_add (self->flow_names, g_strdup (name));
  g_mutex_unlock (&self->lock);
  if (taken)
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY,
        "This session has a flow \"%s\" already", name);
  else if (full)
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "A session has at most %u flows per direction", WZP_NODE_MAX_FLOWS);
  return !taken && !full;
}

WzpSendFlow *
wzp_node_add_send_flow (WzpNode *self, const char *name,
    const WzpSendFlowHandler *handler, gpointer user_data,
    GDestroyNotify notify, GError **error)
{
  WzpSendFlow *flow;

  if (!check_flow_name (name, error) ||
      !reserve_send_flow (self, name, error)) {
    if (notify != NULL)
      notify (user_data);
    return NULL;
  }
  flow = wzp_send_flow_new (
      name, self->config.latency_ms, handler, user_data, notify);
  wzp_send_flow_attach (flow, self, wzp_node_wake, detach_send_flow);
  wzp_node_invoke (
      self, do_add_send_flow, flow_command_new (flow, NULL), flow_command_free);
  return flow;
}

WzpRecvFlow *
wzp_node_add_recv_flow (WzpNode *self, const char *name, GError **error)
{
  WzpRecvFlow *flow;
  gboolean full;

  if (name != NULL && !check_flow_name (name, error))
    return NULL;
  g_mutex_lock (&self->lock);
  full = self->n_recv_flows >= WZP_NODE_MAX_FLOWS;
  self->n_recv_flows += full ? 0 : 1;
  g_mutex_unlock (&self->lock);
  if (full) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "A session has at most %u flows per direction", WZP_NODE_MAX_FLOWS);
    return NULL;
  }
  flow = wzp_recv_flow_new (name);
  wzp_recv_flow_attach (flow, self, wzp_node_wake, detach_recv_flow);
  wzp_node_invoke (
      self, do_add_recv_flow, flow_command_new (NULL, flow), flow_command_free);
  return flow;
}
