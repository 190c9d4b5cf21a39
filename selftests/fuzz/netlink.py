#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# netlink.py [ROUNDS [SEED]]: requests to the families qkd and ssn that are nearly
# right, made from their specs (Documentation/netlink/specs), in a guest with both
# modules; prints TAP. Three namespaces:
#
#	house	a node with peers, groups, pools and blocks; whoever has no right
#		there sends the same, and nothing in it may change
#	play	the same, for its administrator
#	tent	made by a user in a user namespace of his own, who is its
#		administrator and of nothing else
#
# Each request gets one answer. What the spec forbids is refused, with words; so is
# who may not. Nothing is refused with EINVAL without words. Answers are what the
# spec says.

import collections
import ctypes
import errno
import os
import random
import socket
import struct
import sys
import traceback
import uuid

import yaml

TREE = os.environ.get("SSN_TREE") or os.path.join(os.path.dirname(__file__), "../..")
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 3808

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_ECHO = 1, 2, 4, 8
NLM_F_ROOT, NLM_F_MATCH, NLM_F_ATOMIC = 0x100, 0x200, 0x400
NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH
NLM_F_ACK_TLVS = 0x200
NLA_F_NESTED, NLA_F_NET_BYTEORDER = 0x8000, 0x4000
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 1, 10, 11
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def must(cond, text):
    if not cond:
        raise AssertionError(text)


def unshare(flags):
    must(not libc.unshare(flags), "unshare: " + os.strerror(ctypes.get_errno()))


def setns(fd):
    must(not libc.setns(fd, CLONE_NEWNET), "setns: " + os.strerror(ctypes.get_errno()))


# --- the specs

class Attr:
    def __init__(self, number, spec):
        self.number, self.name, self.type = number, spec["name"], spec["type"]
        checks = spec.get("checks", {})
        self.exact = checks.get("exact-len")
        self.nested = spec.get("nested-attributes")
        self.low, self.high = checks.get("min"), checks.get("max")
        self.flags = spec.get("enum-as-flags", False)

    def size(self):
        return {"u32": 4, "s32": 4, "u64": 8, "flag": 0}.get(self.type, self.exact)


class Op:
    def __init__(self, number, spec):
        self.number, self.name = number, spec["name"]
        self.set = spec.get("attribute-set")
        flags = spec.get("flags", [])
        self.admin = "admin-perm" in flags
        self.uns_admin = "uns-admin-perm" in flags
        self.do, self.dump = "do" in spec, "dump" in spec
        self.request = spec.get("do", {}).get("request", {}).get("attributes", [])
        self.reply = spec.get("do", {}).get("reply", {}).get("attributes", [])


class Family:
    def __init__(self, name):
        path = os.path.join(TREE, "Documentation/netlink/specs", name + ".yaml")
        with open(path, encoding="utf-8") as file:
            spec = yaml.safe_load(file)
        self.name = name
        self.sets = {s["name"]: [Attr(i + 1, a) for i, a in enumerate(s["attributes"])]
                     for s in spec["attribute-sets"]}
        self.ops = [Op(i + 1, o) for i, o in enumerate(spec["operations"]["list"])]
        self.id, self.groups = None, {}

    def op(self, name):
        return next(o for o in self.ops if o.name == name)

    def attr(self, op, name):
        return next(a for a in self.sets[op.set] if a.name == name)

    def wanted(self, op):
        return [self.attr(op, name) for name in op.request]


# --- messages

def nla(number, payload, length=None):
    length = 4 + len(payload) if length is None else length
    return struct.pack("=HH", length & 0xffff, number) + payload + bytes(-len(payload) % 4)


def nlas(data):
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        must(4 <= length <= len(data), "an answer with a broken attribute")
        yield number & 0x3fff, data[4:length], number
        data = data[(length + 3) & ~3:]
    must(not data, "an answer with bytes left over")


class Message:
    """A request: @bad says what the spec has against it, if anything."""

    def __init__(self, family, op, attrs, flags=0, bad=None):
        self.family, self.op, self.flags, self.bad = family, op, flags, bad
        self.attrs = attrs
        self.cmd, self.version, self.reserved = op.number if op else 0, 1, 0
        self.length = None          # of the netlink header, if it is not right
        self.cut = None             # bytes of the message, if not all

    def bytes(self, seq):
        body = struct.pack("=BBH", self.cmd, self.version, self.reserved) + self.attrs
        if self.cut is not None:
            body = body[:self.cut]
        length = 16 + len(body) if self.length is None else self.length
        return struct.pack("=IHHII", length, self.family.id, self.flags, seq, 0) + body

    def __str__(self):
        return "%s %s%s %s%s" % (self.family.name, self.op.name if self.op else self.cmd,
                                 " dump" if self.is_dump() else "", self.attrs.hex(),
                                 " (%s)" % self.bad if self.bad else "")

    def is_dump(self):
        return self.flags & NLM_F_DUMP == NLM_F_DUMP


Answer = collections.namedtuple("Answer", "replies error text done")


class Socket:
    def __init__(self):
        self.fd = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.fd.bind((0, 0))
        self.fd.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.fd.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.seq = 0

    def drain(self):
        """All that is there: a request is carried out before sendto() returns, and
        a dump goes on as it is read."""
        while True:
            try:
                data = self.fd.recv(1 << 20, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            while len(data) >= 16:
                length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
                must(16 <= length <= len(data), "an answer with a broken length")
                yield kind, flags, seq, data[16:length]
                data = data[(length + 3) & ~3:]

    def ask(self, *messages):
        """Sends the messages in one piece; the answer to each."""
        first, data = self.seq, b""
        for message in messages:
            part = message.bytes(self.seq)
            data += part + bytes(-len(part) % 4)
            self.seq += 1
        got = [Answer([], [], [], []) for _ in messages]
        self.fd.sendto(data, (0, 0))
        for kind, flags, seq, body in self.drain():
            if not first <= seq < self.seq:
                # what is left of a message cut short is one more
                must(messages[-1].length is not None, "an answer to nobody")
                continue
            answer = got[seq - first]
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                (code,) = struct.unpack_from("=i", body)
                (answer.error if kind == NLMSG_ERROR else answer.done).append(-code)
                rest = body[20:] if kind == NLMSG_ERROR else body[4:]
                if flags & NLM_F_ACK_TLVS:
                    for number, payload, _ in nlas(rest):
                        if number == 1:
                            answer.text.append(payload.rstrip(b"\0").decode())
            else:
                answer.replies.append((kind, body))
        return got

    def resolve(self, family):
        """The family's number, and those of its groups, from nlctrl."""
        control = collections.namedtuple("Control", "id name")(16, "nlctrl")
        op = collections.namedtuple("Get", "number name")(3, "getfamily")
        message = Message(control, op, nla(2, family.name.encode() + b"\0"),
                          NLM_F_REQUEST)
        answer = self.ask(message)[0]
        must(answer.replies, "there is no family " + family.name)
        for number, payload, _ in nlas(answer.replies[0][1][4:]):
            if number == 1:
                (family.id,) = struct.unpack("=H", payload)
            elif number == 7:
                for _, group, _ in nlas(payload):
                    parts = {n: p for n, p, _ in nlas(group)}
                    family.groups[parts[1].rstrip(b"\0").decode()] = \
                        struct.unpack("=I", parts[2])[0]

    def listen(self, family):
        for number in family.groups.values():
            self.fd.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number)


# --- values

def sockaddr(port, host="127.0.0.1"):
    if ":" in host:
        return struct.pack("=H2s4s16s4s", socket.AF_INET6, port.to_bytes(2, "big"),
                           bytes(4), socket.inet_pton(socket.AF_INET6, host), bytes(4))
    return struct.pack("=H2s4s8s", socket.AF_INET, port.to_bytes(2, "big"),
                       socket.inet_aton(host), bytes(8))


class Maker:
    """Makes requests; the values that mean something are few, so that they meet."""

    def __init__(self, families, dice, blocks, netns):
        self.families, self.dice = families, dice
        self.blocks, self.netns = blocks, netns
        self.ring, self.loads = None, 0

    def number(self, attr):
        dice, name = self.dice, attr.name
        if name in ("id", "peer", "node") and attr.type == "u32":
            return dice.choice([1, 2, 3, 11, 12, 13, 0xffffffff])
        if name == "netns-fd":
            return dice.choice(self.netns + [0, 1, 99, 0xffffffff])
        if name == "port":
            return dice.randrange(1024, 65536)
        low = attr.low if attr.low is not None else 0
        high = attr.high if attr.high is not None else 300
        return dice.choice([low, high, dice.randint(low, high), dice.randint(low, high)])

    def payload(self, family, attr):
        dice = self.dice
        if attr.type in ("u32", "s32"):
            return struct.pack("=I", self.number(attr) & 0xffffffff)
        if attr.type == "u64":
            return struct.pack("=Q", dice.choice([0, 1, 4096, 1 << 20, (1 << 64) - 1]))
        if attr.type == "flag":
            return b""
        if attr.nested:
            return b"".join(nla(a.number, self.payload(family, a))
                            for a in family.sets[attr.nested])
        if attr.name == "addr":
            return dice.choice([sockaddr(dice.randrange(20000, 20050), "0.0.0.0"),
                                sockaddr(5808, "10.9.9.9"), sockaddr(0),
                                sockaddr(dice.randrange(20000, 20050), "::"),
                                sockaddr(5808) + b"\0", b"", bytes(200)])
        if attr.exact == 16:
            return dice.choice(self.blocks + [dice.randbytes(16)])
        return dice.randbytes(dice.choice([0, 1, 4, 16, 64]))

    def attribute(self, family, attr):
        kind = attr.number | (NLA_F_NESTED if attr.nested else 0)
        return nla(kind, self.payload(family, attr))

    def members(self, family, op):
        """A group as it should be: n members, each its own."""
        dice, group = self.dice, {a.name: a for a in family.sets["group"]}
        nodes = dice.sample([11, 12, 13], dice.randint(1, 3))
        member = {a.name: a for a in family.sets["member"]}
        out = b""
        for name, value in (("id", dice.randint(1, 3)), ("generation", dice.randint(0, 9)),
                            ("scheme", 1), ("k", dice.randint(1, len(nodes))),
                            ("n", len(nodes))):
            out += nla(group[name].number, struct.pack("=I", value))
        for i, node in enumerate(nodes):
            out += nla(group["member"].number | NLA_F_NESTED,
                       nla(member["node"].number, struct.pack("=I", node)) +
                       nla(member["x"].number, struct.pack("=I", i + 1)))
        return out

    def good(self, family, op):
        dice = self.dice
        if op.name == "group-set" and dice.random() < 0.7:
            return self.members(family, op)
        wanted = family.wanted(op)
        if op.set == "block" and op.name != "block-confirm" and dice.random() < 0.6:
            wanted = [a for a in wanted if a.name == "id"]      # that is enough
        attrs = [self.attribute(family, a) for a in wanted if dice.random() < 0.9]
        if dice.random() < 0.1:
            dice.shuffle(attrs)
        if attrs and dice.random() < 0.1:       # the last one of a kind counts
            attrs.append(dice.choice(attrs))
        return b"".join(attrs)

    def bad(self, family, op):
        """An attribute that the spec does not allow in this operation: and why."""
        dice = self.dice
        wanted = family.wanted(op)
        numbers = [a.number for a in wanted]
        kinds = ["unknown", "broken"] + (["size", "range", "nest"] * 2 if wanted else [])
        kind = dice.choice(kinds)
        attr = dice.choice(wanted) if wanted else None
        if kind == "size":
            size = attr.size() if attr.type != "binary" or attr.exact else None
            if size is None:
                return self.bad(family, op)
            size = dice.choice([s for s in (0, 1, size - 1, size + 1, size + 4, 300)
                                if s != size and s >= 0])
            return nla(attr.number, dice.randbytes(size)), "%s of %d bytes" % (attr.name, size)
        if kind == "range":
            values = []
            if attr.type in ("u32", "s32") and attr.low:
                values += [attr.low - 1]
            if attr.type in ("u32", "s32") and attr.high is not None:
                values += [attr.high + 1, 0xffffffff]
            if attr.flags and attr.high is None and attr.name != "provenance":
                values += [0x80000000]
            if not values:
                return self.bad(family, op)
            value = dice.choice(values)
            return nla(attr.number, struct.pack("=I", value)), "%s is %d" % (attr.name, value)
        if kind == "nest":
            if attr.nested:
                return self.bad_nest(family, attr)
            return nla(attr.number | NLA_F_NESTED, self.payload(family, attr)), \
                attr.name + " is a nest"
        if kind == "unknown":
            number = dice.choice([n for n in list(range(0, 40)) + [255, 0x3fff]
                                  if n not in numbers])
            return nla(number, dice.randbytes(dice.choice([0, 4, 8]))), \
                "attribute %d" % number
        number = dice.choice(numbers or [1])
        return dice.choice([nla(number, bytes(4), 3), nla(number, bytes(4), 0),
                            nla(number, bytes(4), 4000), b"\0", b"\0\0\0"]), "broken"

    def bad_nest(self, family, attr):
        dice = self.dice
        inner = family.sets[attr.nested]
        one = dice.choice(inner)
        return dice.choice([
            (nla(attr.number, self.payload(family, attr)), "no nest"),
            (nla(attr.number | NLA_F_NESTED, nla(one.number, bytes(3))), "inner length"),
            (nla(attr.number | NLA_F_NESTED, nla(len(inner) + 5, bytes(4))), "inner type"),
            (nla(attr.number | NLA_F_NESTED, nla(one.number, struct.pack("=I", 0x1ffffff))
                 if one.high else nla(one.number, struct.pack("=I", 0))), "inner range"),
            (nla(attr.number | NLA_F_NESTED, b"\4\0"), "inner cut"),
        ])

    def message(self):
        dice = self.dice
        family = dice.choice(self.families)
        op = dice.choice(family.ops)
        flags = NLM_F_REQUEST | NLM_F_ACK
        if op.dump and dice.random() < 0.5 or dice.random() < 0.02:
            flags |= NLM_F_DUMP
        attrs, bad = self.good(family, op) if op.do else b"", None
        if op.do and dice.random() < 0.35:
            more, bad = self.bad(family, op)
            # a broken one is seen as such only at the end
            attrs = attrs + more if bad == "broken" or dice.random() < 0.5 else more + attrs
        message = Message(family, op, attrs, flags, bad)
        if dice.random() < 0.1:
            self.break_header(message)
        return message

    def break_header(self, message):
        dice = self.dice
        kind = dice.randrange(7)
        if kind == 0:
            message.cmd = dice.choice([0, len(message.family.ops) + 1, 255])
            message.op = None
        elif kind == 1:
            message.version = dice.choice([0, 2, 255])
        elif kind == 2:
            message.reserved = dice.choice([1, 0xffff])
            message.bad = "reserved"
        elif kind == 3:
            message.flags |= dice.choice([0x10, 0x20, NLM_F_ATOMIC, 0x8000])
            message.bad = "flags"
        elif kind == 4:
            message.cut, message.bad = dice.randrange(0, 4), "cut"
        elif kind == 5:
            message.flags &= ~NLM_F_REQUEST
            message.bad = "no request"
        else:
            message.length = dice.choice([0, 15, 16, 19, 5000])
            message.bad = "length"


# --- what must be so

# What a request that the spec allows may be answered with.
ERRORS = {0, errno.ENOENT, errno.EINVAL, errno.EBUSY, errno.EEXIST, errno.ESTALE,
          errno.EOPNOTSUPP, errno.EPERM, errno.EADDRNOTAVAIL, errno.EADDRINUSE,
          errno.ENOKEY, errno.EKEYREJECTED, errno.EKEYREVOKED, errno.EBADF,
          errno.EALREADY, errno.ERANGE, errno.ENETDOWN, errno.EAFNOSUPPORT,
          errno.ENODEV, errno.EACCES, errno.EAGAIN}


class Who:
    """@uns: administrator of the namespace; @init: of the machine."""

    def __init__(self, uns, init):
        self.uns, self.init = uns, init

    def may(self, op):
        return (not op.admin or self.init) and (not op.uns_admin or self.uns)


def check_attrs(family, attrs, data, allowed):
    known = {a.number: a for a in attrs}
    for number, payload, _ in nlas(data):
        must(number in known, "attribute %d in an answer" % number)
        attr = known[number]
        must(allowed is None or attr.name in allowed or attr.type == "pad",
             attr.name + " does not belong into the answer")
        if attr.nested:
            check_attrs(family, family.sets[attr.nested], payload, None)
        elif attr.size() is not None:
            must(len(payload) == attr.size(), "%s of %d bytes" % (attr.name, len(payload)))


def check_replies(message, answer):
    op, family = message.op, message.family
    for kind, body in answer.replies:
        must(kind == family.id and body[0] == op.number, "an answer of another kind")
        check_attrs(family, family.sets[op.set], body[4:], op.reply)


def check(message, answer, who):
    error = (answer.error + answer.done + [None])[0]
    op = message.op if message.op and (message.op.do or message.op.dump) else None
    must(len(answer.error) + len(answer.done) <= 1, "two last words")
    if message.bad in ("length", "no request"):
        if message.length == 0 or message.length == 15 or message.length == 5000:
            must(error is None and not answer.replies, "an answer to no message")
        return None
    must(error is not None, "no answer")
    if message.bad in ("cut", "reserved", "flags"):
        must(error == errno.EINVAL, "answered with %d" % error)
    elif not op or (message.is_dump() and not op.dump):
        must(error == errno.EOPNOTSUPP, "answered with %d" % error)
    elif not who.may(op):
        must(error == errno.EPERM, "who may not is answered with %d" % error)
    elif message.bad:
        must(error in (errno.EINVAL, errno.ERANGE), "answered with %d" % error)
        must(answer.text, "refused without words")
    else:
        must(error in ERRORS, "answered with %d" % error)
        must(error != errno.EINVAL or answer.text, "EINVAL without words")
        if not error:
            must(message.is_dump() or bool(answer.replies) == bool(op.reply),
                 "%d answers" % len(answer.replies))
            check_replies(message, answer)
            return op.name + (" dump" if message.is_dump() else "")
    must(not answer.replies, "refused and answered")
    return None


# --- namespaces and what is in them

def add_key(ring, text, payload):
    # x86-64's number
    ret = libc.syscall(248, b"qkd", text.encode(), payload, len(payload), ring)
    must(ret > 0, "add_key %s: %s" % (text, os.strerror(ctypes.get_errno())))


def words(message):
    return "%s %s" % (message.family.name, message.op.name)


def do(sock, family, name, flags=0, **values):
    """A request that must succeed; the attributes of each answer, by name."""
    op = family.op(name)
    out = b""
    for key, value in values.items():
        attr = family.attr(op, key.replace("_", "-"))
        if isinstance(value, int):
            value = struct.pack("=Q" if attr.type == "u64" else "=I", value)
        out += nla(attr.number, value)
    message = Message(family, op, out, NLM_F_REQUEST | NLM_F_ACK | flags)
    answer = sock.ask(message)[0]
    must((answer.error + answer.done)[0] == 0,
         "%s: %d %s" % (words(message), (answer.error + answer.done)[0], answer.text))
    check_replies(message, answer)
    names = {a.number: a.name for a in family.sets[op.set]}
    return [[(names[n], p) for n, p, _ in nlas(body[4:])] for _, body in answer.replies]


def furnish(sock, qkd, ssn, maker):
    """A node, three peers, two groups, pools and blocks."""
    do(sock, ssn, "node-set", id=1, role=2, addr=sockaddr(5808, "0.0.0.0"))
    for peer in (11, 12, 13):
        do(sock, ssn, "peer-set", id=peer, role=3, addr=sockaddr(5808), flags=1)
    op = ssn.op("group-set")
    for number in (1, 2):
        attrs = b"".join(nla(ssn.attr(op, n).number, struct.pack("=I", v)) for n, v in
                         (("id", number), ("generation", 1), ("scheme", 1), ("k", 2),
                          ("n", 3)))
        for i, node in enumerate((11, 12, 13)):
            attrs += nla(ssn.attr(op, "member").number | NLA_F_NESTED,
                         nla(1, struct.pack("=I", node)) +
                         nla(2, struct.pack("=I", i + 1)))
        answer = sock.ask(Message(ssn, op, attrs, NLM_F_REQUEST | NLM_F_ACK))[0]
        must(answer.error == [0], "group-set: %s %s" % (answer.error, answer.text))
    (ring,) = [struct.unpack("=i", v)[0] for row in do(sock, qkd, "keyring-get")
               for n, v in row if n == "serial"]
    maker.ring = ring
    load(maker)
    do(sock, qkd, "pool-set", peer=12, dir=0, kind=0, low=4096)


def load(maker):
    """A block into each pool of peer 11. Nobody confirms them: they stay loaded."""
    for peer, way, kind, size in ((11, "tx", "tag", 16384), (11, "rx", "tag", 16384),
                                  (11, "tx", "payload", 8192),
                                  (11, "rx", "payload", 8192),
                                  (0, "local", "payload", 4096)):
        maker.loads += 1
        block = uuid.UUID(int=0xb10c << 112 | maker.loads)
        add_key(maker.ring, "%d:%s:%s:%s:7" % (peer, way, kind, block),
                bytes([maker.loads & 0xff]) * size)
        maker.blocks = maker.blocks[-15:] + [block.bytes]


def visit(sock, qkd, ssn, maker):
    """Every operation once, as it should be asked; those that want what only
    another node can give are left out."""
    tag_block, block = maker.blocks[0], maker.blocks[2]
    do(sock, qkd, "pool-get", peer=11, dir=0, kind=1)
    do(sock, qkd, "block-get", id=block)
    do(sock, qkd, "block-tag", id=tag_block)
    do(sock, qkd, "block-void-now", id=block)
    do(sock, qkd, "ceiling-set", ceiling=0)
    for family, name in ((ssn, "peer-get"), (ssn, "group-get")):
        do(sock, family, name, id=(11 if name == "peer-get" else 1))
    do(sock, ssn, "stats-get")
    do(sock, ssn, "stats-get", peer=11)
    do(sock, ssn, "group-del", id=2)
    do(sock, ssn, "peer-set", id=14, role=3)
    do(sock, ssn, "peer-del", id=14)
    snapshot(sock, qkd, ssn)


def snapshot(sock, qkd, ssn):
    """All that a node is; counters are no part of it."""
    parts = [do(sock, ssn, "node-get"), do(sock, qkd, "keyring-get")]
    parts += [do(sock, family, name, NLM_F_DUMP) for family, name in
              ((ssn, "peer-get"), (ssn, "group-get"), (qkd, "pool-get"),
               (qkd, "block-get"), (ssn, "conn-get"))]
    return [[(n, v) for n, v in row if n not in ("stats", "conns", "refused")]
            for part in parts for row in part]


def clear(sock, qkd, ssn):
    """Whatever was done to it: all of it can be taken away, and it can be used."""
    for name, row in [("group-del", r) for r in do(sock, ssn, "group-get", NLM_F_DUMP)] + \
                     [("peer-del", r) for r in do(sock, ssn, "peer-get", NLM_F_DUMP)]:
        do(sock, ssn, name, id=struct.unpack("=I", dict(row)["id"])[0])
    must(not do(sock, ssn, "group-get", NLM_F_DUMP) and
         not do(sock, ssn, "peer-get", NLM_F_DUMP), "something stays")
    for row in do(sock, qkd, "block-get", NLM_F_DUMP):
        if struct.unpack("=I", dict(row)["state"])[0] != 3:
            do(sock, qkd, "block-void-now", id=dict(row)["id"])
    do(sock, ssn, "node-set", id=1, role=2, addr=sockaddr(5808, "0.0.0.0"))
    do(sock, ssn, "peer-set", id=11, role=3, addr=sockaddr(5808))


# --- fuzzing

def fuzz(sock, maker, who, rounds, events=None):
    """@rounds requests; how often each operation succeeded."""
    done = collections.Counter()
    for _ in range(rounds):
        messages = [maker.message()]
        while maker.dice.random() < 0.1 and messages[-1].bad not in ("length", "cut"):
            # a dump goes on while it is read: a second one would find it busy
            more = maker.message()
            if more.is_dump() and any(m.is_dump() for m in messages):
                break
            messages.append(more)
        for message, answer in zip(messages, sock.ask(*messages)):
            try:
                done[check(message, answer, who)] += 1
            except AssertionError as why:
                raise AssertionError("%s\n%s\n%s" % (why, message, answer)) from why
        if events:
            for _ in events.drain():
                pass
    del done[None]
    return done


checks = [0, 0]


def tap(good, name, text=""):
    checks[0] += 1
    checks[1] += not good
    print("%sok %d - %s" % ("" if good else "not ", checks[0], name))
    for line in text.splitlines():
        print("# " + line)
    sys.stdout.flush()


def child(name, fn, *args):
    """Runs @fn in a process of its own, as whoever it makes itself."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        text, status = "", 0
        try:
            text = fn(*args)
        except BaseException:       # pylint: disable=broad-except
            text, status = traceback.format_exc(), 1
        os.write(write, (text or "").encode()[:60000])
        os._exit(status)
    os.close(write)
    text = b""
    while True:
        part = os.read(read, 65536)
        if not part:
            break
        text += part
    os.close(read)
    tap(os.waitpid(pid, 0)[1] == 0, name, text.decode())


def summary(done):
    return "succeeded: " + ", ".join("%s %d" % pair for pair in sorted(done.items()))


def main():
    print("1..7")
    print("# %d rounds each, seed %d" % (ROUNDS, SEED))
    qkd, ssn = Family("qkd"), Family("ssn")
    families = [qkd, ssn]
    first = Socket()
    for family in families:
        first.resolve(family)
    spaces = {}
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    for name in ("house", "play"):
        unshare(CLONE_NEWNET)
        spaces[name] = os.open("/proc/self/ns/net", os.O_RDONLY)
        os.set_inheritable(spaces[name], True)

    def maker(number, *places):
        return Maker(families, random.Random(SEED + number), [],
                     [spaces[name] for name in places])

    setns(spaces["house"])
    house = Socket()
    furnish(house, qkd, ssn, maker(0, "house"))
    before = snapshot(house, qkd, ssn)
    blocks = [dict(row)["id"] for row in do(house, qkd, "block-get", NLM_F_DUMP)]

    def play():
        setns(spaces["play"])
        sock, events, make = Socket(), Socket(), maker(1, "play")
        for family in families:
            events.listen(family)
        furnish(sock, qkd, ssn, make)
        visit(sock, qkd, ssn, make)
        done = collections.Counter()
        for _ in range(10):
            load(make)
            done += fuzz(sock, make, Who(True, True), ROUNDS // 10, events)
        clear(sock, qkd, ssn)
        return summary(done)

    def nobody():
        make = maker(2, "house", "play")
        make.blocks = list(blocks)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        return summary(fuzz(Socket(), make, Who(False, False), ROUNDS))

    def stranger():
        make = maker(3, "house", "play")
        make.blocks = list(blocks)
        unshare(CLONE_NEWUSER)
        return summary(fuzz(Socket(), make, Who(False, False), ROUNDS))

    def tent():
        make = maker(4, "house", "play")
        make.blocks = list(blocks)
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        sock = Socket()
        do(sock, ssn, "node-set", id=1, role=2, addr=sockaddr(5808, "0.0.0.0"))
        done = fuzz(sock, make, Who(True, False), ROUNDS)
        must(not done["ceiling-set"], "who is nobody on the machine grants a ceiling")
        clear(sock, qkd, ssn)
        return summary(done)

    def pieces():
        """Bytes that are not even messages."""
        dice, sock = random.Random(SEED + 5), Socket()
        for _ in range(ROUNDS // 4):
            data = struct.pack("=IHHII", dice.choice([0, 15, 16, 20, 36, 4096]),
                               dice.choice([qkd.id, ssn.id, qkd.id, ssn.id, 16, 99]),
                               dice.randrange(65536), 7, 0) + \
                   dice.randbytes(dice.choice([0, 1, 4, 20, 200]))
            sock.fd.sendto(data, (0, 0))
            for _ in sock.drain():
                pass
        return ""

    child("the administrator of a namespace", play)
    child("a user without rights", nobody)
    child("the root of another user namespace", stranger)
    child("the administrator of a namespace of his own", tent)
    child("bytes at random", pieces)
    after = snapshot(house, qkd, ssn)
    tap(before == after, "the node they had no rights in is as it was",
        "" if before == after else "%s\n%s" % (before, after))
    try:
        clear(house, qkd, ssn)
        tap(True, "and can be used")
    except AssertionError as why:
        tap(False, "and can be used", str(why))
    setns(home)
    sys.exit(checks[1] > 0)


main()
