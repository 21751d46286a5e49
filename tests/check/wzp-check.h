/* wzp-check: what the tests of the elements share: elements that stay on
 * loopback, two of them that exchange candidates as an application would, and
 * waiting for messages. */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* A wait that is longer than anything should take; under valgrind too. */
#define CHECK_TIMEOUT_MS 20000u

/* "wzpsink" or "wzpsrc", bound to 127.0.0.1. */
GstElement *check_element_new (const char *factory);

/* The next message of @type on @bus, others are dropped; fails the test when
 * none comes. Unref it. */
GstMessage *check_wait_message (GstBus *bus, GstMessageType type);
/* The error message of @bus with @code of GST_RESOURCE_ERROR; returns a copy of
 * its details. */
GstStructure *check_resource_error (GstBus *bus, int code);

/* A relay that is not there: host:port of a socket of this machine that nobody
 * reads, and that nothing else can take while it is open. */
char *check_dead_relay (GSocket **ret_socket);

/* Polls @element's connection-state until it is @nick. */
void check_wait_state (GstElement *element, const char *nick);

/* A wzpsink and a wzpsrc of mode=app that are about to be connected, each
 * candidates structure going through text. */
typedef struct {
  GstHarness *sink, *src;
  GstBus *sink_bus, *src_bus;
} CheckPair;

void check_pair_init (CheckPair *self);
/* What each of both hands to the other. */
void check_exchange_candidates (GstElement *a, GstElement *b);
void check_exchange_no_more (GstElement *a, GstElement *b);
/* A harness with the system clock around @element, which it takes. */
GstHarness *check_harness_new (GstElement *element);
/* Both PLAYING, caps set, connected. */
void check_pair_start (CheckPair *self, const char *caps);
void check_pair_clear (CheckPair *self);

/* @size bytes that depend on @seed. */
GstBuffer *check_buffer_new (gsize size, guint seed);
/* Pushes, checks that it went. Takes @buffer. */
void check_push (CheckPair *self, GstBuffer *buffer);
/* What arrives next; fails the test when nothing does. */
GstBuffer *check_pull (CheckPair *self);
/* Pulls events from @h until one of @type. */
GstEvent *check_pull_event (GstHarness *h, GstEventType type);
void check_same_bytes (GstBuffer *a, GstBuffer *b);

G_END_DECLS
