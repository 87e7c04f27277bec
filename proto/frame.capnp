# SPDX-License-Identifier: Apache-2.0
@0xe4335a4503a2ef7f;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("candor::proto");

# What candord says to candor-shipper over frames.sock, and, frame by frame, what a segment file holds.
#
# Transport. SOCK_SEQPACKET; one packet is one Cap'n Proto message (flat, one segment) with a Frame as its root, 64 KiB at
# most. The shipper answers with Reply messages, also one a packet. A packet that is not exactly that is refused and the
# connection closed: a peer that errs once cannot be trusted with the rest.
#
# Streams. A stream is one segment: Open is its sequence 0, then Batch, Clock and Gap in any order, then Close. Sequences
# count up by one without holes. Frames of two streams never interleave: the next Open comes after the Close. Which stream
# a frame belongs to is said by the last Open or Hello, not repeated in every frame. Grant, Tombstone and Note belong to no
# stream and may come between any two frames.
#
# The end of a stream. A candord that dies leaves a stream without Close. Its successor finds the sealed frames that were not
# acknowledged where systemd kept them, and ends the stream: a Gap `crash`, and a Close `crashed`, which takes no key of the stream's.
# When the machine died, those frames died with it: then the successor says so in a Note beside the stream.
#
# Time. Monotonic times are CLOCK_MONOTONIC of the boot that Open names. Capture times appear only inside sealed batches;
# what is in the clear (Gap, Clock) is coarse or about the recorder, not about keys.
#
# Integrity. Every frame's bytes enter the transcript of its stream, in order, exactly as sent: 32 zero bytes at first, then the
# BLAKE2b-256 of the transcript before, the frame's length (little-endian 32 bits) and the frame. Each Batch is sealed with the
# transcript of everything before it as associated data; Open and Close are signed by the device. A changed, missing, repeated
# or reordered frame is found when the next Batch or the Close is checked. The streams of a person's epoch are numbered, so a
# stream that is missing whole is found too.
#
# Evolution. Fields and union members are only added, never renumbered or reused. A new member of the union, or a change of
# meaning, raises Open.version and Hello.version; a reader refuses a version or a union member it does not know and says so.

struct Frame {
  sequence @0 :UInt32;
  # Place within the stream, from 0. For Hello: that of the stream's frame that follows. For Grant, Tombstone and Note: 0.

  union {
    open @1 :Open;
    batch @2 :Data;
    # crypto_secretstream_xchacha20poly1305 message (17 bytes longer than its plaintext, see batch.capnp).
    # 1 byte to 56 KiB + 17 bytes.

    clock @3 :Clock;
    gap @4 :Gap;
    close @5 :Close;
    grant @6 :Grant;
    hello @7 :Hello;
    tombstone @8 :Tombstone;
    note @9 :Note;
  }
}

struct Hello {
  # The first frame of every connection, sent at once, and never stored: which stream's frame comes next, after Grants if
  # there are any. What the shipper holds of other streams will not be continued.
  version @0 :UInt16;   # 2
  run @1 :Data;         # 16 random bytes, the same for as long as this candord process lives
  stream @2 :Data;      # 16 bytes, or empty when the next stream has not begun yet
}

struct Open {
  version @0 :UInt16;        # 2
  stream @1 :Data;           # 16 random bytes: the stream's name everywhere
  subject @2 :Data;          # 16 bytes: keyed pseudonym of the person
  epoch @3 :UInt32;          # which subject-epoch key wraps the stream key, from 1
  grant @4 :Data;            # 16 bytes: Grant.id of that epoch's grant
  run @5 :Data;              # 16 bytes, as in Hello
  bootId @6 :Data;           # 16 bytes: the kernel's boot id
  anchor @7 :Clock;
  level @8 :Text;            # what the batches keep: "counts", "activity", "rhythm", "actions" or "full"
  policyHash @9 :Data;       # SHA-256 of policy and notice: 32 bytes
  consentVersion @10 :UInt32; # which of the person's grants allowed this, from 1
  wrappedKey @11 :Data;      # nonce (24) + XChaCha20-Poly1305-IETF of the stream key (32 + 16) under the epoch key;
                             # associated data: stream, subject, epoch (little-endian 32 bits)
  sealHeader @12 :Data;      # 24 bytes: header of the secretstream
  identity @13 :Data;        # Ed25519 public key of the device: 32 bytes
  signature @14 :Data;       # Ed25519, 64 bytes, over "candor open 1" + the message's bytes with these 64 zero
  number @15 :UInt64;        # place among the streams of this device, subject and epoch, from 1, without holes
  embargoSeconds @16 :UInt32; # how long the stream stays on the machine after its end, at least, before it is shipped
}

struct Clock {
  # The three clocks, read together. Sent at Open, on resume, on every step of the wall clock.
  monotonicNs @0 :UInt64;
  boottimeNs @1 :UInt64;
  realtimeNs @2 :Int64;      # since 1970-01-01 UTC
}

struct Gap {
  # A hole in what was captured. Times are rounded outwards to whole seconds.
  reason @0 :Reason;
  fromUs @1 :UInt64;         # CLOCK_MONOTONIC
  toUs @2 :UInt64;           # not before fromUs
  counted @3 :Bool;          # whether events is known
  events @4 :UInt64;         # events lost; 0 when not counted
  device @5 :UInt32;         # DeviceInfo.index of the batch's device table; 0xffffffff: all devices

  enum Reason {
    droppedByKernel @0;      # the kernel's queue overran (SYN_DROPPED); it keeps no count
    ringFull @1;             # the shipper did not take frames; refused before sealing, counted
    deviceGone @2;           # unplugged while recording; what was in its queue is not known
    damaged @3;              # the device sent what no device sends
    # Below: had not waited its time when recording stopped, and was thrown away. Never counted: the number of keys of a
    # password is part of it.
    quarantined @4;          # the gate closed for another reason than the next four
    inhibited @5;            # somebody held recording off: a password prompt, an inhibitor, a secure field
    locked @6;               # the session was locked
    paused @7;               # the person paused
    withdrawn @8;            # the person withdrew consent
    quarantineFull @9;       # more came than can wait; refused on arrival, counted
    crash @10;               # candord died: what was not sealed, uncounted, from the last sealed frame to its successor's start
    stateFailed @11;         # candord could not write its own state, and opens no stream without; refused before sealing, counted
  }
}

struct Close {
  reason @0 :Reason;
  produced @1 :UInt64;       # events that came since Open as the level keeps them, and counted losses (SYN_REPORT counts)
  stored @2 :UInt64;         # events inside this stream's batches
  declared @3 :UInt64;       # events in this stream's counted gaps; produced = stored + declared
  batches @4 :UInt32;
  gaps @5 :UInt32;
  transcript @6 :Data;       # BLAKE2b-256 over every earlier frame: 32 bytes
  signature @7 :Data;        # Ed25519, 64 bytes, over "candor close 1" + the message's bytes with these 64 zero

  enum Reason {
    rotated @0;
    gateClosed @1;           # consent, session, policy, pause: the gate shut
    stopped @2;              # candord ends
    crashed @3;              # candord died; its successor says this, with what the ring still knew
  }
}

struct Grant {
  # The subject-epoch key, wrapped to each recipient. A separate object beside the segments: without it nothing of that
  # epoch opens, so deleting it erases every copy.
  id @0 :Data;               # 16 bytes: BLAKE2b-128 over subject, epoch (little-endian 32 bits) and each recipient's public key
  subject @1 :Data;
  epoch @2 :UInt32;
  recipients @3 :List(Recipient);   # 1 to 32
  identity @4 :Data;
  signature @5 :Data;        # Ed25519, 64 bytes, over "candor grant 1" + the message's bytes with these 64 zero
}

struct Recipient {
  publicKey @0 :Data;        # X25519: 32 bytes
  wrappedKey @1 :Data;       # crypto_box_seal of the 32-byte epoch key: 80 bytes
}

struct Tombstone {
  # What must be destroyed, wherever it has got to. It travels the way of the data and stays in the lake: what comes later and
  # falls under it is destroyed too.
  id @0 :Data;               # 16 random bytes
  subject @1 :Data;
  lastEpoch @2 :UInt32;      # all streams and grants of this device and subject up to this epoch; 0: only the streams below
  streams @3 :List(StreamRef); # 512 at most; none when lastEpoch is given
  reason @4 :Reason;
  requestedNs @5 :Int64;     # CLOCK_REALTIME
  identity @6 :Data;
  signature @7 :Data;        # Ed25519, 64 bytes, over "candor tombstone 1" + the message's bytes with these 64 zero

  enum Reason {
    erased @0;               # the person withdrew and asked for it: lastEpoch
    deleted @1;              # the person deleted streams before they were shipped
  }
}

struct StreamRef {
  stream @0 :Data;           # 16 bytes
  epoch @1 :UInt32;
  number @2 :UInt64;         # Open.number
}

struct Note {
  # Says of a stream that its end was lost with the machine's memory: what is stored of it is all there will be.
  stream @0 :Data;
  subject @1 :Data;
  epoch @2 :UInt32;
  number @3 :UInt64;         # Open.number; nothing at all of the stream may have been stored
  noticedNs @4 :Int64;       # CLOCK_REALTIME
  identity @5 :Data;
  signature @6 :Data;        # Ed25519, 64 bytes, over "candor note 1" + the message's bytes with these 64 zero
}

struct Reply {
  # What the shipper says to candord; one message a packet, as all else here.
  union {
    ack @0 :Ack;
    report @1 :Report;
    erasure @2 :Data;        # the message of an Erasure, as it lies in the lake; 4 KiB at most
  }
}

struct Ack {
  # This frame and all before it, in the order they were sent, are on disk (fdatasync returned).
  stream @0 :Data;           # 16 bytes: the stream, also for a Note, or the id of a Grant or Tombstone
  sequence @1 :UInt32;       # 0 for a Grant, Tombstone or Note
}

struct Report {
  # How shipping goes; sent at Hello, and when it changes.
  state @0 :State;
  problem @1 :Text;          # in words, of a stalled or refusing state; 256 bytes of printable ASCII at most
  spoolBytes @2 :UInt64;
  spoolBound @3 :UInt64;     # bytes
  waiting @4 :UInt32;        # segments that wait for the sink or for their embargo to end
  oldestNs @5 :Int64;        # CLOCK_REALTIME when the oldest of them ended; 0 without any
  delivered @6 :UInt64;      # segments since the shipper started
  sinkErrors @7 :UInt64;     # attempts that failed since the shipper started

  enum State {
    shipping @0;             # what is due has been delivered
    stalled @1;              # alive but not shipping: the sink does not take what is due; the spool still takes frames
    refusing @2;             # the spool is full or its disk fails: no frame is taken, candord's ring fills
  }
}

struct Erasure {
  # The key holder's receipt for a Tombstone: what was destroyed in the lake. LAKE/receipts/TOMBSTONE.receipt holds exactly this message.
  version @0 :UInt16;        # 1
  tombstone @1 :Data;        # Tombstone.id
  subject @2 :Data;
  identity @3 :Data;         # of the device that asked
  segments @4 :UInt32;       # destroyed, also by earlier attempts as far as they are known
  grants @5 :UInt32;
  bytes @6 :UInt64;
  completedNs @7 :Int64;     # CLOCK_REALTIME
  signer @8 :Data;           # Ed25519 public key of the key holder: 32 bytes
  signature @9 :Data;        # Ed25519, 64 bytes, over "candor erasure 1" + the message's bytes with these 64 zero
}
